"""What a library was asked, step by step, and what came of it: printed as JSON, for a test to judge.

Runs under the library's own Python, so it imports nothing of ours and nothing that is not in the standard library.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import runpy
import sys
from collections.abc import Callable
from typing import Any


class Steps:
    """Named results, in the order in which they came."""

    def __init__(self) -> None:
        self._results: dict[str, Any] = {}

    async def take(self, step: str, call: Callable[..., Any], *arguments: Any, **further: Any) -> Any:
        """Call, and await what has to be awaited; note the result or the error, and return the result or None."""
        try:
            result = call(*arguments, **further)
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:
            self.note(step, raised(error))
            return None
        self.note(step, result)
        return result

    def note(self, step: str, result: Any) -> None:
        """Keep a result under a name that no other step has."""
        if step in self._results:
            raise ValueError(f"two steps are called {step}")
        self._results[step] = result

    def show(self) -> None:
        """Print all of it as one line."""
        print(json.dumps(self._results, default=str), flush=True)


def raised(error: Exception) -> dict[str, Any]:
    """An error as a test sees it: the names of its class and those above, its words, its code where it has one."""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return {"raised": type(error).__name__, "kinds": kinds, "message": str(error), "code": getattr(error, "code", None)}


def configured(path: str) -> dict[str, Any]:
    """The names of a configuration that `tools.clients` has printed into a file, which is Python."""
    return runpy.run_path(path)


async def line_read() -> str:
    """The next line of the standard input, from the test; the event loop goes on meanwhile."""
    return (await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)).strip()


def say(words: str) -> None:
    """Say to the test how far this is, in a line of its own."""
    print(f"# {words}", flush=True)
