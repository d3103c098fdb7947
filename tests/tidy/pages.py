"""The documentation's pages and tables, and what stands on the wire."""

from __future__ import annotations

import importlib
import pkgutil
import re
from types import ModuleType

import msgspec

import api
from explain import answers as explanation_answers
from tests.tidy.sources import ROOT

DOCUMENTATION = ROOT / "Documentation"


def page(name: str) -> str:
    """The text of one page of the documentation."""
    return (DOCUMENTATION / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands under one heading, up to the next."""
    return re.split(r"^#+ ", text.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in `text`, backticks taken off."""
    lines = [line.strip() for line in text.splitlines() if re.match(r"\| [^-]", line)]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]


def structs(module: ModuleType) -> list[type[msgspec.Struct]]:
    """The public structs that a module defines."""
    found = [item for name, item in vars(module).items() if isinstance(item, type) and not name.startswith("_")]
    return [item for item in found if issubclass(item, msgspec.Struct) and item.__module__ == module.__name__]


def modules(package: ModuleType) -> list[ModuleType]:
    """A package's modules, those of its sub-packages included."""
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [importlib.import_module(info.name) for info in found if not info.ispkg]


# where requests and answers are described; of the feed also what it tells
WIRE = re.compile(r"(requests|views|messages|batch|options|candles|queue)$")
# the names of the second wire are another venue's, which tells what they mean; OpenAPI lists them
# what processes of one server say to each other is told to no client
OWN_MODULES = [module for module in modules(api) if not module.__name__.startswith(("api.binance.", "api.doors."))]
ON_THE_WIRE = (explanation_answers, *(module for module in OWN_MODULES if WIRE.search(module.__name__)))
WIRE_STRUCTS = [struct for module in ON_THE_WIRE for struct in structs(module)]
