"""How a handler says what it takes and gives, so that `openapi.py` describes it from the very structs.

Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeVar

from msgspec import Meta, Struct

HTML: Final = "text/html"
ANY_FILE: Final = "*/*"
SCHEMAS: Final = "#/components/schemas/"
_ATTRIBUTE: Final = "openbell_documented"

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Access(Enum):
    """Who may call a route."""

    PUBLIC = "Everybody, without credentials."
    ACCOUNT = "Whoever has an account: with a token, or with a request signed by an API key."
    SESSION = "Whoever is signed in with a token; not with an API key."
    OPERATOR = "Operators."
    MONITORING = (
        "Whoever shows the token of --metrics-token-file, operators, and in a sandbox who asks from its own machine."
    )
    OPERATOR_SESSION = "Operators who are signed in with a token; not with an API key."


class Documented(Struct, frozen=True, kw_only=True):
    """What a route takes and gives."""

    access: Access
    answer: Any  # a struct, a tuple of those it may be, or a media type
    status: int
    query: type[Struct] | None
    body: type[Struct] | None
    long_body: bool  # may be as long as the setting says, and is read in turns; others are short
    keyed: bool  # done once under an Idempotency-Key
    lenient: bool  # what it does not read is ignored, query and form
    failure: type[Struct] | None  # the shape of its errors; None: the first wire's
    errors: tuple[int, ...]  # besides those that follow from access, query and body
    named: tuple[type[Struct], ...]  # those that body and answer refer to by `any_of`


def documented(
    access: Access,
    answer: Any,
    *,
    status: int = 200,
    query: type[Struct] | None = None,
    body: type[Struct] | None = None,
    long_body: bool = False,
    keyed: bool = False,
    lenient: bool = False,
    failure: type[Struct] | None = None,
    errors: tuple[int, ...] = (),
    named: tuple[type[Struct], ...] = (),
) -> Callable[[Handler], Handler]:
    """Describe the handler below. Its docstring is the rest: a summary, and what more there is to say."""

    def describe(handler: Handler) -> Handler:
        vars(handler)[_ATTRIBUTE] = Documented(
            access=access,
            answer=answer,
            status=status,
            query=query,
            body=body,
            long_body=long_body,
            keyed=keyed,
            lenient=lenient,
            failure=failure,
            errors=errors,
            named=named,
        )
        return handler

    return describe


def any_of(*kinds: type[Struct], otherwise: str | None = None) -> Meta:
    """Describe a value as one of several structs that no tag tells apart; `otherwise`: what anything else means.

    The structs must be given to `documented`, as `named`.
    """
    described: list[dict[str, str]] = [{"$ref": f"{SCHEMAS}{kind.__name__}"} for kind in kinds]
    return Meta(extra_json_schema={"anyOf": described + ([{"description": otherwise}] if otherwise else [])})


def documented_by(handler: Callable[..., Any]) -> Documented | None:
    """What was said of a handler; None when nothing was."""
    found: Documented | None = vars(handler).get(_ATTRIBUTE)
    return found
