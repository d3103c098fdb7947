"""Brings the schema of a store that an older version wrote to the newest, by Alembic.

Imported where that is needed: importing Alembic takes a good part of a second.
Layer: identity. Everything here blocks.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from identity.errors import IdentityError
from identity.schema import MIGRATIONS


def upgrade(connection: Connection) -> None:
    """Apply the versions of the schema that are missing. Raises IdentityError where the store's is none of ours."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as problem:
        raise IdentityError(
            f"the identity store was written by a newer Openbell ({problem}): start that one, or restore a copy of the "
            "store from before"
        ) from None
