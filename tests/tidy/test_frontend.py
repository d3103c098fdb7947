"""The page runs under a strict content security policy: no inline code, no markup from text, nothing from elsewhere."""

from __future__ import annotations

import json
import re

import pytest

from tests.tidy.sources import ROOT, frontend_files

IN_SCRIPTS = {
    "text becomes markup": re.compile(
        r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|dangerouslySetInnerHTML|srcdoc)\b"
    ),
    "writes into the document": re.compile(r"\bdocument\.write(?:ln)?\b"),
    "text becomes code": re.compile(r"\beval\s*\(|\bnew\s+Function\b|\bset(?:Timeout|Interval)\s*\(\s*[\"'`]"),
    "an inline style": re.compile(r"setAttribute\(\s*[\"'`]style[\"'`]|\.cssText\b"),
}
IN_PAGES = {
    "an inline handler": re.compile(r"<[^>]*\son\w+\s*=", re.IGNORECASE),
    "an inline script": re.compile(r'<script(?![^>]*\ssrc=)(?! type="importmap">)[^>]*>', re.IGNORECASE),
    "an inline style": re.compile(r"<style\b|<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
}
ANYWHERE = {
    "an address elsewhere": re.compile(
        r"(?:https?:)?//(?!www\.w3\.org/|www\.tradingview\.com/)[\w-]+\.[\w.-]+\w[/\"'`)]"
    )
}

RULES = {
    ".js": IN_SCRIPTS | ANYWHERE,
    ".html": IN_PAGES | ANYWHERE,
    ".css": ANYWHERE | {"an import": re.compile(r"@import\b[^;]*//")},
}


def offences(suffix: str, text: str) -> list[tuple[int, str]]:
    """Line and reason of everything in `text` that the policy would block or that should not be there."""
    return sorted(
        (text.count("\n", 0, match.start()) + 1, what)
        for what, pattern in RULES[suffix].items()
        for match in pattern.finditer(text)
    )


def test_the_page_holds_to_its_content_security_policy() -> None:
    found = {
        str(path.relative_to(ROOT)): offences(path.suffix, path.read_text(encoding="utf-8"))
        for path in frontend_files(*RULES)
    }
    assert found, "the page is gone"
    assert {path: where for path, where in found.items() if where} == {}


def test_the_lock_file_names_no_host_and_checks_every_package() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")] == []


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".js", "row.innerHTML = name;"),
        (".js", "html`<p dangerouslySetInnerHTML=${{ __html: name }} />`;"),
        (".js", "row.insertAdjacentHTML('beforeend', name);"),
        (".js", "document.write(name);"),
        (".js", "eval(name);"),
        (".js", "setTimeout('draw()', 10);"),
        (".js", "row.setAttribute('style', 'color: red');"),
        (".js", "import io from 'https://cdn.example.com/io.js';"),
        (".html", '<p>Hello</p>\n<button onclick="go()">Go</button>'),
        (".html", "<script>go()</script>"),
        (".html", '<script type="module">go()</script>'),
        (".html", "<style>p { color: red }</style>"),
        (".html", '<p style="color: red">'),
        (".html", '<script src="//cdn.example.com/io.js"></script>'),
        (".css", "@import url(https://fonts.example.com/css);"),
    ],
)
def test_each_rule_sees_an_offence(suffix: str, text: str) -> None:
    assert offences(suffix, text) != []


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".js", "row.textContent = name; // https is the reader's business"),
        (".js", "document.createElementNS('http://www.w3.org/2000/svg', 'svg');"),
        (".js", "setTimeout(() => draw(), 10);"),
        (".html", '<script type="module" src="/main.js"></script><p class="one">on = off</p>'),
        (".html", '<script type="importmap">{"imports": {}}</script>'),
    ],
)
def test_no_rule_sees_an_offence_where_there_is_none(suffix: str, text: str) -> None:
    assert offences(suffix, text) == []
