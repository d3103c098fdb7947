"""The page's modules as one: a browser that has none of them asks once, not a hundred times.

Nothing is translated. Each module becomes a function that is called once, in the order in which the browser would
run them, and gives what the module exports. So the modules keep to one way of writing, which `bundled` insists on:

- `import { a, b as c } from "./x.js"` or `import x from "library"` at the beginning of a line;
- `export` before a function, a class or a const that never changes;
- none imports itself by way of others, and what is imported later is a library.
Layer: api.page.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

IMPORT = re.compile(r'^import\s+([^"]+?)\s+from\s+"([^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
NO_EXPORT = re.compile(r"^export \{\};\n", re.MULTILINE)
NOT_UNDERSTOOD = re.compile(
    r"^(?:import\b|export\b|await\b)[^\n]*|(?:=>|\bawait|\breturn|=)\s*import\(\s*[\"'`]\.[^\n]*", re.MULTILINE
)
OURS = (".js",)


def module_order(entry: str, read: Callable[[str], str]) -> list[str]:
    """The modules of ours that `entry` needs, each after those it imports. Raises ValueError for a circle."""
    order: list[str] = []
    _visit(entry, read, (), order)
    return order


def bundled(entry: str, read: Callable[[str], str], libraries: Mapping[str, str]) -> str:
    """One module that does what `entry` does.

    `read(name)` gives a module's text by its path below the page's folder; `libraries` the address of each library
    by the name it is imported by, or by its path. Raises ValueError for what is not written as said above.
    """
    order = module_order(entry, read)
    variables = {name: f"$m{index}" for index, name in enumerate(order)}
    outside: dict[str, str] = {}  # address -> variable
    parts = []
    for name in order:

        def bind(found: re.Match[str], importer: str = name) -> str:
            source = _source(importer, found[2])
            if source not in variables:
                source = libraries[source]
                outside.setdefault(source, f"$l{len(outside)}")
            return f"const {_pattern(found[1])} = {variables.get(source) or outside[source]};\n"

        text = NO_EXPORT.sub("", IMPORT.sub(bind, read(name)))
        exported = EXPORT.findall(text)
        body = EXPORT.sub("", text)
        if found := NOT_UNDERSTOOD.search(body):
            raise ValueError(f"{name}: {found[0]}")
        parts.append(f"const {variables[name]} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n")
    imports = [f'import * as {variable} from "{address}";\n' for address, variable in outside.items()]
    return "".join(imports + parts)


def _visit(name: str, read: Callable[[str], str], path: tuple[str, ...], order: list[str]) -> None:
    if name in path:
        raise ValueError(f"modules import each other in a circle: {' > '.join([*path, name])}")
    if name in order:
        return
    for _, specifier in IMPORT.findall(read(name)):
        source = _source(name, specifier)
        if not _is_library(source):
            _visit(source, read, (*path, name), order)
    order.append(name)


def _source(importer: str, specifier: str) -> str:
    """The path below the page's folder, or the name of a library."""
    if not specifier.startswith("."):
        return specifier
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), specifier))


def _is_library(source: str) -> bool:
    return source.startswith("vendor/") or not source.endswith(OURS)


def _pattern(names: str) -> str:
    """`{ a, b as c }` as it is taken out of an object; a default as what it is called there."""
    if names.startswith("{"):
        return re.sub(r"\s+as\s+", ": ", names)
    return f"{{ default: {names} }}"
