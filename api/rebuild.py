"""`python -m api.rebuild`: the history anew from the journal, every digest checked on the way.

The server does as much as is missing at every start. This is for a history that is damaged or in
doubt, and for a copy of a journal: it needs no server, and refuses while one runs.
Layer: api.
"""

from __future__ import annotations

from pathlib import Path

import click

from api.bootstrap import rebuild_history
from api.private_files import keep_new_files_private
from journal.port import JournalError
from logs.setup import begin as begin_log
from loop.errors import StoreError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of the journal. No server may be using it.",
)
def main(data: Path) -> None:
    """Build the history of done orders, trades, candles and postings anew from the journal, and check every digest."""
    keep_new_files_private()
    begin_log(line="%(message)s", limit=False)
    if not (data / "journal.sqlite").exists():
        raise click.ClickException(f"there is no journal in {data}")
    try:
        exchange, result = rebuild_history(data)
    except (JournalError, StoreError) as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(
        f"The history is built anew up to seq {exchange.seq}: {result.commands} commands in {result.seconds:.1f} s; "
        f"state digest {result.digest}"
    )


if __name__ == "__main__":
    main()
