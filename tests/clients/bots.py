"""Runs a public bot or example, which nobody here wrote, unchanged against a server with simulated traders.

    python -m tests.clients.bots LIBRARY PROGRAM [--minutes 10] [--url URL] [--beside FILE ...]

PROGRAM is a file on the disk; of freqtrade the file of a strategy. Without --url a server is started for it. A program
that ends before the time is over is started again. FILE is copied beside it, @KEY@ and @SECRET@ in it replaced. At the
end this prints how often it ran, how it ended, its last lines, and what its account has done. Nothing of others is part
of this repository: their licences and their authors are where they were fetched.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from tests.clients.environments import interpreter, library_names
from tests.clients.library_programs import configuration, configured_key
from tests.clients.venues import signed
from tests.server import ROOT, Http, RunningServer, environment

CONFIGURATIONS: Final = {"ccxt": "ccxt-pro", "freqtrade": "freqtrade", "nautilus": "nautilus"}
STOP_S: Final = 60
PAUSE_S: Final = 2
CLASS: Final = re.compile(r"^class (\w+)\(IStrategy\)", re.MULTILINE)
PROBLEM: Final = re.compile(r"\bERROR\b|\bTraceback\b|Exception\b|Error\b")


@click.command()
@click.argument("library", type=click.Choice(library_names()))
@click.argument("program", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--url", default=None, help="A server that runs already; without it one is started.")
@click.option("--symbol", default="BTCUSDT", show_default=True, help="Whose trades are counted at the end.")
@click.option("--beside", "beside", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--instruments", default=None, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(
    library: str,
    program: Path,
    minutes: float,
    url: str | None,
    symbol: str,
    beside: tuple[Path, ...],
    instruments: Path | None,
) -> None:
    """Run PROGRAM with LIBRARY for some minutes, and print what it did."""
    folder = Path(tempfile.mkdtemp(prefix="openbell-bot-"))
    with contextlib.nullcontext(url) if url else _venue(folder, instruments) as where:
        client = CONFIGURATIONS.get(library, library)
        path = configuration(client, where, folder / ("config.json" if library == "freqtrade" else "openbell.py"))
        key = configured_key(path)
        for file in beside:
            text = file.read_text(encoding="utf-8").replace("@KEY@", key[0]).replace("@SECRET@", key[1])
            (folder / file.name).write_text(text, encoding="utf-8")
        log = folder / "bot.log"
        statuses = _run(_command(library, path, program, folder), folder, log, time.monotonic() + 60 * minutes)
        _report(statuses, log)
        _report_account(where, key, symbol)


@contextlib.contextmanager
def _venue(folder: Path, instruments: Path | None) -> Iterator[str]:
    """A server with simulated traders beside it."""
    options = [] if instruments is None else ["--instruments", str(instruments)]
    with RunningServer(folder / "data", *options) as server:
        flow = subprocess.Popen([sys.executable, "-m", "tools.flow", "--url", server.url], cwd=ROOT)
        try:
            yield server.url
        finally:
            flow.send_signal(signal.SIGTERM)
            flow.wait(STOP_S)


def _command(library: str, path: Path, program: Path, folder: Path) -> list[str]:
    python = [str(interpreter(library)), "-u", "-W", "ignore", "-m"]
    if library != "freqtrade":
        return [*python, "tests.clients.libraries.pointed", library, str(path), str(program.resolve())]
    (strategy,) = CLASS.findall(program.read_text(encoding="utf-8"))
    where = ["--userdir", str(folder / "user_data"), "--db-url", f"sqlite:///{folder}/trades.sqlite"]
    (folder / "user_data").mkdir()
    named = ["--strategy", strategy, "--strategy-path", str(program.resolve().parent)]
    return [*python, "freqtrade", "trade", "--config", str(path), *named, *where]


def _run(command: list[str], folder: Path, log: Path, deadline: float) -> list[int | str]:
    """Run it until the deadline, again when it ends; how each run ended."""
    statuses: list[int | str] = []
    with log.open("w") as output:
        while time.monotonic() < deadline:
            bot = subprocess.Popen(
                command,
                cwd=folder,
                env=environment({"PYTHONPATH": str(ROOT)}),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                statuses.append(bot.wait(max(0.1, deadline - time.monotonic())))
                time.sleep(PAUSE_S)
            except subprocess.TimeoutExpired:
                statuses.append("interrupted")
            finally:
                bot.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    bot.wait(STOP_S)
                bot.kill()
    return statuses


def _report(statuses: list[int | str], log: Path) -> None:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    problems = [line for line in lines if PROBLEM.search(line)]
    ended = {status: statuses.count(status) for status in statuses}
    click.echo(f"runs: {len(statuses)}, ended: {ended}; lines: {len(lines)}, of them problems: {len(problems)}")
    for line in [*problems[:10], "...", *lines[-10:]]:
        click.echo(f"  {line[:200]}")
    click.echo(f"all of it: {log}")


def _report_account(url: str, key: tuple[str, str], symbol: str) -> None:
    http = Http(url)
    time.sleep(1)  # no request is the same as one before
    orders = signed(http, key, "GET", "/api/v3/allOrders", symbol=symbol, limit="1000")
    trades = signed(http, key, "GET", "/api/v3/myTrades", symbol=symbol, limit="1000")
    statuses = [order["status"] for order in orders]
    counted = {status: statuses.count(status) for status in sorted(set(statuses))}
    click.echo(f"its account in {symbol}: orders {counted}, trades {len(trades)}")
    http.close()


if __name__ == "__main__":
    main()
