"""The OpenAPI 3.1 document, made from the routes and from the structs that read requests and make answers.

Layer: api.http.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final, get_type_hints

import msgspec
from flask import Flask
from werkzeug.routing import Rule

from api.http.documented import SCHEMAS, Access, Documented, documented_by
from api.http.idempotency import HEADER as KEY_HEADER
from api.json.errors import ErrorBody
from listings.numbers import DECIMAL_PATTERN, Number
from openbell import __version__

Json = dict[str, Any]

SAFE_METHODS: Final = ("GET",)
UNLISTED_METHODS: Final = ("HEAD", "OPTIONS")
MEANINGS: Final = {
    400: "The request cannot be understood, or POST /order and POST /cancel were refused by the rules of the market.",
    401: "No credentials, or bad ones.",
    403: "Not allowed.",
    404: "There is no such thing.",
    409: "In conflict with what is there.",
    413: "The body is too large.",
    421: "The server does not go by the name in the Host header.",
    422: "Refused by the rules of the market.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "The server's mistake; it is logged under the request_id.",
    503: "Nothing was promised; Retry-After says when to come back.",
}
_DESCRIPTION: Final = (
    "An exchange that anyone runs with one command. Decimals are strings and numbers are accepted too, both read "
    "exactly; ids are strings of digits; times are epoch seconds (`timestamp`) and exact nanoseconds (`ts_ns`); `seq` "
    "counts commands, in the order in which everything happened. What a route does not read is refused: an unknown or "
    "repeated parameter or field, and a body where none is read."
)
_HEADERS: Final = {
    "ApiKey": ("X-Openbell-Key", "The API key's id."),
    "ApiTimestamp": (
        "X-Openbell-Timestamp",
        "Epoch milliseconds. X-Openbell-Window says for how many the request is good: 5000 when left out, at most "
        "60000.",
    ),
    "ApiSignature": (
        "X-Openbell-Signature",
        "Hex HMAC-SHA256, under the key's secret, of timestamp, method, path with query, and the body's exact bytes, "
        "joined by newlines; of a key that was made with a public one, base64 Ed25519 of the same. Good once.",
    ),
}
_TOKEN: Final = {"Token": list[str]()}
_SECOND_WIRE: Final = {"SecondWireKey": list[str]()}
_SIGNED: Final = {name: list[str]() for name in _HEADERS}


def document(app: Flask, *, sandbox: bool) -> Json:
    """Describe every route of `app`. `sandbox`: no credentials are needed to trade."""
    routes = list(documented_routes(app))
    schemas = _Schemas(routes)
    paths: dict[str, Json] = {}
    for route in sorted(routes, key=lambda route: (route.tag, route.path)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, sandbox=sandbox)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Openbell", "version": __version__, "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": _security_schemes()},
    }


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    method: str
    path: str
    tag: str
    endpoint: str
    handler: Callable[..., Any]
    about: Documented
    parameters: dict[str, Any]  # of the path: name -> type

    def kinds(self) -> Iterator[Any]:
        """Every type that its description needs."""
        yield from self.parameters.values()
        yield from _answers(self.about.answer)
        described = (self.about.query, self.about.body, self.about.failure)
        yield from (kind for kind in described if kind is not None)
        yield from self.about.named


def documented_routes(app: Flask) -> Iterator[Route]:
    """The routes of `app` that say what they take and give."""
    for rule in app.url_map.iter_rules():
        handler = app.view_functions[rule.endpoint]
        about = documented_by(handler)
        for method in sorted((rule.methods or set()) - set(UNLISTED_METHODS)):
            if about is not None:
                yield Route(
                    method=method,
                    path=path_of(rule),
                    tag=tag_of(rule),
                    endpoint=rule.endpoint,
                    handler=handler,
                    about=about,
                    parameters=_path_parameters(rule, handler),
                )


def tag_of(rule: Rule) -> str:
    """Where a route is listed: its blueprint, or what the names of several have in common before a `_`."""
    return str(rule.endpoint).partition(".")[0].partition("_")[0]


def path_of(rule: Rule) -> str:
    """A rule as OpenAPI writes it: /book/<symbol> -> /book/{symbol}."""
    return re.sub(r"<(?:[^<>:]+:)?(\w+)>", r"{\1}", rule.rule)


def _path_parameters(rule: Rule, handler: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(handler, include_extras=True)
    return {name: hints[name] for name in re.findall(r"{(\w+)}", path_of(rule))}


def _answers(answer: Any) -> tuple[Any, ...]:
    if isinstance(answer, str):
        return ()
    return answer if isinstance(answer, tuple) else (answer,)


class _Schemas:
    """JSON schemas of types; structs among the components of the document."""

    def __init__(self, routes: list[Route]) -> None:
        self._kinds = [*dict.fromkeys(kind for route in routes for kind in route.kinds()), ErrorBody]
        schemas, components = msgspec.json.schema_components(
            self._kinds, schema_hook=_custom, ref_template=f"{SCHEMAS}{{name}}"
        )
        self._schemas = [_plain(schema) for schema in schemas]
        self._all: Json = {name: _plain(schema) for name, schema in sorted(components.items())}
        queries = {route.about.query.__name__ for route in routes if route.about.query is not None}
        self.components: Json = {name: schema for name, schema in self._all.items() if name not in queries}

    def of(self, kind: Any) -> Json:
        """The schema of a type, or a reference to it."""
        schema: Json = self._schemas[self._kinds.index(kind)]
        return schema

    def fields(self, kind: type[msgspec.Struct]) -> Json:
        """The whole schema of a struct."""
        schema: Json = self._all[kind.__name__]
        return schema


def _operation(route: Route, schemas: _Schemas, *, sandbox: bool) -> Json:
    about = route.about
    summary, _, description = (inspect.getdoc(route.handler) or "").partition("\n\n")
    operation: Json = {
        "tags": [route.tag],
        "operationId": route.endpoint.replace(".", "_"),
        "summary": " ".join(summary.split()),
        "description": " ".join(f"{description} {about.access.value}".split()),
        "parameters": [*_in_path(route, schemas), *_in_query(about, schemas), *_in_header(about)],
        "responses": _responses(route, schemas),
        "security": _security(about, sandbox=sandbox),
    }
    if about.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas.of(about.body)}},
        }
    return operation


def _in_path(route: Route, schemas: _Schemas) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas.of(kind)}
        for name, kind in route.parameters.items()
    ]


def _in_query(about: Documented, schemas: _Schemas) -> list[Json]:
    if about.query is None:
        return []
    whole = schemas.fields(about.query)
    return [
        {"name": name, "in": "query", "required": name in whole.get("required", ()), "schema": _without_null(schema)}
        for name, schema in whole["properties"].items()
    ]


def _in_header(about: Documented) -> list[Json]:
    schema: Json = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"}
    said = "Sent again under the same key the request is done once, and answered with what became of it."
    return [{"name": KEY_HEADER, "in": "header", "description": said, "schema": schema}] if about.keyed else []


def _without_null(schema: Json) -> Json:
    """What a query can say of a value that may be null: it may be left out."""
    some = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(some) == len(schema.get("anyOf", ())):
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf" and value is not None}
    return {**some[0], **rest} if len(some) == 1 else {"anyOf": some, **rest}


def _responses(route: Route, schemas: _Schemas) -> Json:
    about = route.about
    kinds = [schemas.of(kind) for kind in _answers(about.answer)]
    if isinstance(about.answer, str):
        content: Json = {about.answer: {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": kinds[0] if len(kinds) == 1 else {"anyOf": kinds}}}
    refusal = schemas.of(ErrorBody)
    if about.failure is not None:  # what is refused before a route is known has the first wire's shape
        refusal = {"anyOf": [schemas.of(about.failure), refusal]}
    error = {"application/json": {"schema": refusal}}
    answered = {str(about.status): {"description": HTTPStatus(about.status).phrase, "content": content}}
    return answered | {str(status): {"description": MEANINGS[status], "content": error} for status in _statuses(route)}


def _statuses(route: Route) -> list[int]:
    """Every status of an error that a route can answer with."""
    about = route.about
    found = {400, 421, 429, 500, *about.errors}  # 400: every route refuses what it does not read
    if route.parameters:
        found.add(404)
    if about.body is not None:
        found.add(413)
    if about.access is not Access.PUBLIC:
        found |= {401, 403}
    if route.method not in SAFE_METHODS:
        found.add(403)  # a page of another origin
    return sorted(found)


def _security(about: Documented, *, sandbox: bool) -> list[Json]:
    access = about.access
    if access is Access.PUBLIC:
        return []
    if about.failure is not None:
        return [_SECOND_WIRE]
    if access in (Access.SESSION, Access.OPERATOR_SESSION):
        return [_TOKEN]
    nobody: list[Json] = [{}] if sandbox and access is Access.ACCOUNT else []
    return [_TOKEN, _SIGNED, *nobody]


def _security_schemes() -> Json:
    token = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "From POST /auth/login, /auth/signup or /auth/guest; POST /auth/refresh prolongs it.",
    }
    return {
        "Token": token,
        "SecondWireKey": {
            "type": "apiKey",
            "in": "header",
            "name": "X-MBX-APIKEY",
            "description": "Routes under /api/v3 and /sapi: the API key's id. `timestamp` and `signature` are "
            "parameters: hex HMAC-SHA256 or base64 Ed25519 of the query and form as they are sent, less the signature.",
        },
        **{
            name: {"type": "apiKey", "in": "header", "name": header, "description": description}
            for name, (header, description) in _HEADERS.items()
        },
    }


def _custom(kind: type) -> Json:
    """The schema of a type of ours. Raises NotImplementedError for one that has none."""
    if kind is Number:
        return {"type": "string", "format": "decimal"}
    raise NotImplementedError(kind)


def _plain(schema: Any) -> Any:
    """msgspec's schema in the words of everybody: patterns of ECMAScript, decimals as what is accepted."""
    if isinstance(schema, list | tuple):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        rest = {name: value for name, value in schema.items() if name not in ("type", "format")}
        return {"anyOf": [{"type": "string", "pattern": f"^{DECIMAL_PATTERN}$"}, {"type": "number"}], **rest}
    plain = {name: _plain(value) for name, value in schema.items()}
    if isinstance(pattern := plain.get("pattern"), str):
        plain["pattern"] = re.sub(r"^\\A(.*)\\Z$", r"^\1$", pattern)
    if "anyOf" in plain:
        plain["anyOf"] = [
            one for each in plain["anyOf"] for one in (each["anyOf"] if set(each) == {"anyOf"} else [each])
        ]
    if "enum" in plain and all(isinstance(value, str) for value in plain["enum"]):
        plain.setdefault("type", "string")
    return plain
