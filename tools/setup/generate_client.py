"""Writes the structs of the client's answers and requests, from the OpenAPI document of a running server.

    python -m tools.setup.generate_client http://127.0.0.1:5000

Struct by struct what the document says; a test compares the files with what the server of this checkout would give.
Enumerations are open in answers (`str`), so that a value that a later server adds is no error, and closed in requests.
Layer: tools. For work on the checkout: not installed.
"""

from __future__ import annotations

import keyword
import subprocess  # nosec B404 # ruff, over what is written
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from openbell_client import Client
from openbell_client.secret_fields import SECRET_FIELDS

Json = dict[str, Any]

PACKAGE: Final = Path(__file__).resolve().parents[2] / "client" / "src" / "openbell_client"
REFERENCE: Final = "#/components/schemas/"
DECIMAL: Final = r"^-?[0-9]+(\.[0-9]+)?$"
NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
# of the first wire
TAGS: Final = ("accounts", "admin", "auth", "candles", "explain", "faults", "market", "metrics", "nodes", "orders")
CLOSED: Final = ("Side",)  # there will be no third one
REDACTED: Final = "from openbell_client.secret_fields import redacted\n"  # taken out again where nothing is secret
HEADER: Final = '''"""{title}

Written by tools/setup/generate_client.py from the server's OpenAPI document: change that, not this.
Layer: openbell_client.
"""

from __future__ import annotations

'''


def main() -> int:
    """Write the files; the exit status."""
    with Client(sys.argv[1]) as client:
        document = client.openapi()
    for path, text in files(document).items():
        path.write_text(text, encoding="utf-8")
    return 0


def files(document: Json) -> dict[Path, str]:
    """Every generated file and its text, formatted."""
    schemas: Json = document["components"]["schemas"]
    used = {name: sorted(tags) for name, tags in _tags_by_schema(document, schemas, answers=True).items()}
    modules: dict[str, list[str]] = {}
    for name, tags in used.items():
        modules.setdefault(tags[0] if len(tags) == 1 else "shared", []).append(name)
    written = {
        PACKAGE / "answers" / f"{module}.py": _answers_module(module, names, schemas, modules)
        for module, names in modules.items()
    }
    written[PACKAGE / "answers" / "__init__.py"] = _answers_index(modules)
    requested = sorted(_tags_by_schema(document, schemas, answers=False))
    written[PACKAGE / "requests.py"] = _requests_module(requested, schemas)
    return _formatted(written)


# -- which schemas are of what


def _tags_by_schema(document: Json, schemas: Json, *, answers: bool) -> dict[str, set[str]]:
    """Each schema that an answer (or a request's body) is made of, and the tags of the operations that use it."""
    found: dict[str, set[str]] = {}
    for operation in _operations(document):
        roots: Any = operation["responses"] if answers else operation.get("requestBody", {})
        if answers:
            roots = [response for status, response in roots.items() if status.startswith("2")]
        for name in _reachable(roots, schemas):
            found.setdefault(name, set()).update(operation["tags"])
    found.pop("OpenApiDocument", None)
    if answers:
        found.pop("ErrorBody", None)  # an error is an exception here
    return dict(sorted(found.items()))


def _operations(document: Json) -> Iterator[Json]:
    for methods in document["paths"].values():
        yield from (operation for operation in methods.values() if set(operation["tags"]) <= set(TAGS))


def _reachable(node: Any, schemas: Json) -> set[str]:
    found: set[str] = set()
    waiting = list(_references(node))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.removeprefix(REFERENCE)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


# -- modules


def _answers_module(module: str, names: list[str], schemas: Json, modules: dict[str, list[str]]) -> str:
    bodies = "\n\n".join(_definition(name, schemas[name], schemas, answers=True) for name in names)
    title = "Answers that several parts of the API share." if module == "shared" else f"Answers of the {module} calls."
    imports = "from decimal import Decimal\nfrom typing import Any, Literal\n\nimport msgspec\n\n"
    shared = sorted(name for name in modules.get("shared", ()) if module != "shared")
    if shared:
        imports += f"from openbell_client.answers.shared import {', '.join(shared)}\n"
    imports += REDACTED
    return HEADER.format(title=title) + imports + "\n\n" + bodies + "\n"


def _answers_index(modules: dict[str, list[str]]) -> str:
    imports = "".join(
        f"from openbell_client.answers.{module} import {', '.join(sorted(names))}\n"
        for module, names in sorted(modules.items())
    )
    every = ", ".join(f'"{name}"' for name in sorted(name for names in modules.values() for name in names))
    title = "What the server answers, as frozen structs. Decimals are exact, ids are texts, times are epoch seconds."
    return HEADER.format(title=title) + imports + f"\n__all__ = [{every}]\n"


def _requests_module(names: list[str], schemas: Json) -> str:
    bodies = "\n\n".join(_definition(name, schemas[name], schemas, answers=False) for name in names)
    imports = "from decimal import Decimal\nfrom typing import Any, Literal\n\nimport msgspec\n\n"
    number = "Number = Decimal | str | int  # never a float: what it would be to the last digit, nobody can see\n\n"
    title = "What can be asked for, as frozen structs: bodies of requests. Numbers are Decimal, text or int."
    return HEADER.format(title=title) + imports + REDACTED + "\n" + number + bodies + "\n"


def _definition(name: str, schema: Json, schemas: Json, *, answers: bool) -> str:
    if schema.get("type") != "object":
        values = sorted(schema["enum"])
        about = f"# {schema['description'].partition(chr(10))[0]}\n" if "description" in schema else ""
        if answers and name not in CLOSED:
            known = textwrap.fill(
                f"{', '.join(values)}; there may be more", 116, initial_indent="# ", subsequent_indent="# "
            )
            return f"{about}{known}\n{name} = str\n"
        return f"{about}{name} = Literal[{', '.join(map(repr, values))}]\n"
    docstring = _docstring(schema.get("description", f"Part of an answer: {name}."))
    lines = [f"class {name}(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):", docstring, ""]
    if not answers:
        tag = schema["properties"].get("op", {}).get("enum")
        lines[0] = lines[0].replace("):", f', tag_field="op", tag={tag[0]!r}):') if tag else lines[0]
    needed = schema.get("required", [])
    for field, kind in schema["properties"].items():
        if not answers and field == "op":
            continue
        text = _annotation(kind, schemas, answers=answers)
        if field not in needed:
            text += _default(kind, text, answers=answers)
        if keyword.iskeyword(field):
            kept, _, default = text.partition(" = ")
            text = f"{kept} = msgspec.field(name={field!r}" + (f", default={default})" if default else ")")
            field = f"{field}_"  # noqa: PLW2901 # its name in Python
        about = kind.get("description")
        lines.append(f"    {field}: {text}" + (f"  # {about}" if about and len(about) < 60 else ""))
    if set(SECRET_FIELDS) & set(schema["properties"]):
        lines += ["", "    def __repr__(self) -> str:", "        return redacted(self)"]
    return "\n".join(lines) + "\n"


def _docstring(text: str) -> str:
    text = text.replace("`", "``").replace("\\", "\\\\")
    lines = textwrap.wrap(text, 108)
    if len(lines) == 1:
        return f'    """{lines[0]}"""'
    return '    """' + "\n    ".join(lines) + '\n    """'


def _default(kind: Json, annotation: str, *, answers: bool) -> str:
    value = kind.get("default")
    if value is None:
        return " = None" if annotation.endswith("None") else " | None = None"
    if isinstance(value, list):
        return " = []" if answers else " = ()"
    return f" = {value!r}" if "Decimal" not in annotation or "str" in annotation else f' = Decimal("{value}")'


def _annotation(kind: Json, schemas: Json, *, answers: bool) -> str:
    """The Python type of a schema."""
    if "$ref" in kind:
        return str(kind["$ref"]).removeprefix(REFERENCE)
    if "anyOf" in kind:
        return _union(kind["anyOf"], schemas, answers=answers)
    if "enum" in kind:
        texts = [value for value in kind["enum"] if isinstance(value, str)]
        named = "str" if answers else f"Literal[{', '.join(map(repr, texts))}]"
        return named if len(texts) == len(kind["enum"]) else f"bool | {named}"  # true among texts
    match kind.get("type"):
        case "string":
            return "Decimal" if answers and kind.get("pattern") == DECIMAL else "str"
        case "number":
            return "float"
        case "integer":
            return "int"
        case "boolean":
            return "bool"
        case "null":
            return "None"
        case "array":
            return _array(kind, schemas, answers=answers)
        case "object":
            values = kind.get("additionalProperties")
            inner = _annotation(values, schemas, answers=answers) if isinstance(values, dict) else "Any"
            return f"dict[str, {inner}]"
    return "Any"


def _union(kinds: list[Json], schemas: Json, *, answers: bool) -> str:
    if not answers and any(one.get("pattern") == NUMBER for one in kinds):
        rest = [one for one in kinds if one.get("type") not in ("string", "number")]
        return " | ".join(["Number", *(_annotation(one, schemas, answers=answers) for one in rest)])
    names = [_annotation(one, schemas, answers=answers) for one in kinds]
    if "Any" in names:
        names = [name for name in names if name != "Any"]
    if answers and len([one for one in kinds if "$ref" in one]) > 1:
        return "dict[str, Any]"  # which of several structs it is, the caller knows by what was asked
    if not answers:
        names = ["Number" if name == "float" else name for name in names]
    return " | ".join(dict.fromkeys(names))


def _array(kind: Json, schemas: Json, *, answers: bool) -> str:
    if "prefixItems" in kind:
        return f"tuple[{', '.join(_annotation(one, schemas, answers=answers) for one in kind['prefixItems'])}]"
    inner = _annotation(kind.get("items", {}), schemas, answers=answers)
    return f"list[{inner}]" if answers else f"tuple[{inner}, ...]"


def _formatted(written: dict[Path, str]) -> dict[Path, str]:
    """All files as ruff has them, in two runs over a copy of the package's folder."""
    with tempfile.TemporaryDirectory() as folder:
        copies = {path: Path(folder) / "src" / path.relative_to(PACKAGE.parent) for path in written}
        for path, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(written[path], encoding="utf-8")
        (Path(folder) / "src" / PACKAGE.name / "secret_fields.py").touch()  # imported, so one of ours
        config = PACKAGE.parents[2] / "pyproject.toml"
        for arguments in (["check", "--quiet", "--fix", "--select", "F401,I,UP037"], ["format", "--quiet"]):
            command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "--config", str(config), "."]
            subprocess.run(command, cwd=Path(folder) / "src", check=True, capture_output=True)  # nosec B603 # our own
        return {path: copy.read_text(encoding="utf-8") for path, copy in copies.items()}


if __name__ == "__main__":
    sys.exit(main())
