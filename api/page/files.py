"""The page's files as they are served: packed once, and named by their content so that a browser keeps them.

The files stand in `frontend/` as they are written: many small modules and stylesheets that need no build. What
the browser gets is the same, but for the page itself, in which `composed_page` puts

- one stylesheet for all that the page names, in their order;
- one script for the modules of ours, see `api.page.bundle`;
- the venue's rules that it applies by itself, see `api.page.rules`;
- the nodes that it may move to when this one does not answer: its policy lets it connect to these and no others;
- the addresses of the libraries, with their hashes, in the import map, and a modulepreload link for each that is
  needed at first, so that none waits for the one that imports it.

A change on disk is served within a second; nothing is to be restarted.
Layer: api.page.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import mimetypes
import os
import re
import time
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import NamedTuple

from werkzeug.security import safe_join

from api.nodes.addresses import sources
from api.page.bundle import bundled
from api.page.rules import venue_rules

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"
INDEX = "index.html"
ENTRY = "main.js"
STYLES = "page.css"  # of all stylesheets together; there is no such file
SCRIPT = "page.js"  # of all modules of ours together
CACHED_FILES = 512
COMPRESSIBLE = ("text/", "application/json", "image/svg+xml")
HASH_LENGTH = 16  # hexadecimal digits in an address

IMPORT_MAP = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)
RULES = '<meta name="venue-rules" content="{}">'
NODES = '<meta name="venue-nodes" content="[]">'
STYLESHEETS = re.compile(r'(?:[ \t]*<link rel="stylesheet" href="/static/(?P<name>[^"]+)">\n)+')
STYLESHEET = re.compile(r'<link rel="stylesheet" href="/static/([^"]+)">')
ENTRY_SCRIPT = f'<script type="module" src="/static/{ENTRY}"></script>'
LIBRARY_IMPORTS = re.compile(r'^import \* as \S+ from "([^"]+)";$', re.MULTILINE)

mimetypes.add_type("text/javascript", ".mjs")  # Python before 3.12 does not know this type


State = tuple[tuple[str, int], ...]  # each file, and when it was changed
Nodes = tuple[tuple[str, str], ...]  # name and origin of each


class Asset(NamedTuple):
    """One file as it is served."""

    mimetype: str
    plain: bytes
    packed: bytes | None  # by gzip; None where that would not make it smaller
    etag: str


class Page(NamedTuple):
    """The page, and what its browser may do."""

    asset: Asset
    policy: str


def content_security_policy(page: bytes, nodes: Nodes = ()) -> str:
    """Nothing inline and nothing from elsewhere, but for the import maps that stand in `page`, by their hashes.

    Nothing is asked of others than this server and these `nodes`.
    """
    hashes = [base64.b64encode(hashlib.sha256(found).digest()).decode() for found in IMPORT_MAP.findall(page)]
    servers = " ".join(["'self'", *(sources(origin) for _, origin in nodes)])
    scripts = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in hashes)])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; connect-src {servers}; "
        "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def asset_named(name: str) -> Asset | None:
    """What is served under /static/`name`; None where there is nothing. Packed at first and when it changed."""
    if name == STYLES:
        return _joined(_state_of(FRONTEND))
    if name == SCRIPT:
        return _script(_state_of(FRONTEND))
    path = safe_join(str(FRONTEND), name)
    if path is None or not os.path.isfile(path):  # Path.is_file raises where the name is too long
        return None
    return _asset(Path(path), Path(path).stat().st_mtime_ns)


def is_named_by_content(asset: Asset, version: str | None) -> bool:
    """Whether an address with this `v` can never mean anything else."""
    return version == asset.etag[:HASH_LENGTH]


def composed_page(nodes: Nodes = ()) -> Page:
    """The page with the addresses its files have now, and the `nodes` there are."""
    return _composed(_state_of(FRONTEND), nodes)


def _state_of(folder: Path) -> State:
    """Changes within a second whenever a file does. O(files) once a second, which takes some milliseconds."""
    return _state_at(folder, int(time.monotonic()))


@lru_cache(maxsize=1)
def _state_at(folder: Path, _second: int) -> State:
    return tuple(sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*.*") if path.is_file()))


@lru_cache(maxsize=CACHED_FILES)
def _asset(path: Path, _changed_ns: int) -> Asset:
    return _packed(mimetypes.guess_type(path.name)[0] or "application/octet-stream", path.read_bytes())


@lru_cache(maxsize=1)
def _joined(_state: object) -> Asset:
    return _packed("text/css", b"\n".join((FRONTEND / name).read_bytes() for name in STYLESHEET.findall(_index())))


@lru_cache(maxsize=1)
def _script(_state: object) -> Asset:
    by_path = {f"vendor/{path.name}": _address(f"vendor/{path.name}") for path in (FRONTEND / "vendor").glob("*.*js")}
    by_name = {name: by_path[plain.removeprefix("/static/")] for name, plain in _imports().items()}
    text = bundled(ENTRY, lambda name: (FRONTEND / name).read_text(encoding="utf-8"), by_path | by_name)
    return _packed("text/javascript", text.encode())


def _packed(mimetype: str, plain: bytes) -> Asset:
    packed = gzip.compress(plain, 9, mtime=0) if mimetype.startswith(COMPRESSIBLE) else plain
    return Asset(mimetype, plain, packed if len(packed) < len(plain) else None, hashlib.sha256(plain).hexdigest()[:32])


def _index() -> str:
    return (FRONTEND / INDEX).read_text(encoding="utf-8")


def _imports() -> dict[str, str]:
    """The import map as it is written: the plain address of each library."""
    found = IMPORT_MAP.search(_index().encode())
    if found is None:
        raise ValueError(f"{INDEX} has no import map")
    imports: dict[str, str] = json.loads(found[1])["imports"]
    return imports


def _address(name: str) -> str:
    asset = asset_named(name)
    if asset is None:
        raise FileNotFoundError(name)
    return f"/static/{name}?v={asset.etag[:HASH_LENGTH]}"


@lru_cache(maxsize=1)
def _composed(state: object, nodes: Nodes) -> Page:
    imports = {name: _address(plain.removeprefix("/static/")) for name, plain in _imports().items()}
    packed_map = json.dumps({"imports": imports}, separators=(",", ":")).encode()
    html = STYLESHEETS.sub(f'    <link rel="stylesheet" href="{_address(STYLES)}">\n', _index(), count=1)
    html = html.replace(RULES, RULES.replace("{}", escape(json.dumps(venue_rules(), separators=(",", ":")))))
    listed = [{"name": name, "url": origin} for name, origin in nodes]
    html = html.replace(NODES, NODES.replace("[]", escape(json.dumps(listed, separators=(",", ":")))))
    preloads = [
        f'<link rel="modulepreload" href="{address}">\n    '
        for address in [_address(SCRIPT), *LIBRARY_IMPORTS.findall(_script(state).plain.decode())]
    ]
    entry = ENTRY_SCRIPT.replace(f"/static/{ENTRY}", _address(SCRIPT))
    html = html.replace(ENTRY_SCRIPT, "".join(preloads) + entry)
    page = IMPORT_MAP.sub(lambda _: b'<script type="importmap">' + packed_map + b"</script>", html.encode(), count=1)
    return Page(_packed("text/html", page), content_security_policy(page, nodes))
