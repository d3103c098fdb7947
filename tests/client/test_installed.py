"""`pip install ./client` gives openbell_client, and nothing of the venue."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from tests.server import ROOT

CLIENT = ROOT / "client"
BY_ITSELF = """
import sys
import openbell_client
assert "openbell_client" in openbell_client.__file__ and openbell_client.__file__.startswith(sys.argv[1])
for venues in ("api", "engine", "tools", "listings", "openbell"):
    assert venues not in sys.modules
assert not {"aiohttp", "socketio"} & set(sys.modules)
for name in openbell_client.__all__:
    assert getattr(openbell_client, name) is not None
print(openbell_client.Client.book.__doc__)
"""


def test_the_wheel_is_the_package_and_imports_by_itself(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)],
        cwd=CLIENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("openbell_client-*.whl")
    installed = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(installed)
    packages = {name.split("/")[0] for name in names}
    assert {name for name in packages if not name.endswith(".dist-info")} == {"openbell_client"}
    assert "openbell_client/py.typed" in names
    sources = {path.relative_to(CLIENT / "src").as_posix() for path in (CLIENT / "src").rglob("*.py")}
    assert sources <= set(names)
    done = subprocess.run(
        [sys.executable, "-c", BY_ITSELF, str(installed)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "Depth by price" in done.stdout) == (0, True), done.stderr


def test_what_the_client_imports_is_what_it_declares() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["ed25519"]]
    modules = {"python-socketio": "socketio"}
    allowed = {modules.get(name, name) for name in (line.split(">")[0] for line in declared)} | {"openbell_client"}
    imported = set()
    for path in (CLIENT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    assert imported - set(sys.stdlib_module_names) - allowed == set()
    assert all(">=" in line for line in declared)
