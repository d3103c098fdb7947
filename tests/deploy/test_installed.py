"""The wheel, in an environment that has nothing else, runs the venue as the image, compose and systemd would."""

from __future__ import annotations

import email
import re
import socket
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import openbell
from tests import postgres
from tests.api.clients import bearer, funded
from tests.deploy.files import image, services, unit
from tests.deploy.installed import Installed, built, foreign_files, requirements
from tests.ports import free_port
from tests.redis_server import needs_redis, running_redis
from tests.server import Http, eventually
from tests.tidy.sources import PACKAGES, ROOT

FREE_PORT = {"OPENBELL_PORT": "0"}
VENUE = "openbell/venue"
IMPORT_ALL = """
from importlib import import_module
from openbell.home import make_importable
from openbell.programs import PROGRAMS
make_importable()
for program in PROGRAMS.values():
    print(import_module(program.module).__file__)
"""
LACKING = "import sys; sys.path.append(sys.argv[1]); from prerequisites import require; require()"
FOR_THE_CHECKOUT = {
    "tools/advisories.py",
    "tools/vendor_frontend.py",
    "tools/setup/generate_client.py",
    "tools/setup/requirements_hook.py",
    "tools/setup/wheel_hook.py",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout, made as from a source distribution."""
    return built(tmp_path_factory.mktemp("built"))[1]


@pytest.fixture(scope="module")
def machine() -> Iterator[Path]:
    """A folder that everybody may look into, as /opt is; pytest keeps its own to itself."""
    with tempfile.TemporaryDirectory(prefix="openbell-machine-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def installed(wheel: Path, machine: Path) -> Installed:
    """The environment that has it."""
    return Installed(machine / "environment", wheel)


@pytest.fixture
def folder(machine: Path, request: pytest.FixtureRequest) -> Path:
    """An empty folder."""
    empty = machine / str(request.node.name)
    empty.mkdir()
    return empty


def moved(settings: dict[str, str], there: str, here: str) -> dict[str, str]:
    """The variables of a container in which `there`, a path or an address, is `here` on this machine."""
    return {name: value.replace(there, here) for name, value in settings.items()}


def check_page(http: Http) -> None:
    """The page, its scripts and styles, and the description of the API are served."""
    page = http.call("GET", "/")
    assert page.status == 200
    parts = re.findall(r'(?:src|href)="(/[^"]+)"', page.content.decode())
    assert parts
    assert {part: http.call("GET", part).status for part in (*parts, "/docs")} == dict.fromkeys((*parts, "/docs"), 200)
    assert http.get("/openapi.json")["info"]["version"] == openbell.__version__


def check_explained(http: Http) -> None:
    """A user trades, and is told why; that takes a second process."""
    who = bearer(funded(http))
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "29000.00"}
    assert http.post("/order", order).status == 401
    entered = http.call("POST", "/order", order, who).granted()
    notice = http.call("GET", f"/order/{entered['order_id']}/explain", None, who).granted()
    assert notice["chapters"][0]["words"]


def test_the_wheel_has_one_package_and_in_it_every_room(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"openbell", f"openbell-{openbell.__version__}.dist-info"}
    rooms = {*PACKAGES, "frontend", "config"} - {"openbell"}
    files = [path for room in rooms for path in (ROOT / room).rglob("*.*")]
    here = {str(path.relative_to(ROOT)) for path in files if path.is_file() and path.suffix not in (".pyc", ".sh")}
    assert sorted(f"{VENUE}/{name}" for name in here - FOR_THE_CHECKOUT if f"{VENUE}/{name}" not in names) == []
    assert [name for name in names if "__pycache__" in name or name.removeprefix(f"{VENUE}/") in FOR_THE_CHECKOUT] == []


def test_an_editable_installation_has_no_copy_of_the_checkout(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["editable"])
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.rpartition(".")[2] for name in names if ".dist-info/" not in name} == {"pth"}


def test_the_wheel_says_what_it_is_and_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    assert (metadata["Name"], metadata["Version"]) == ("openbell", openbell.__version__)
    needed = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    assert [one.name for one in needed if one.marker is not None] == ["pyarrow"]  # for who exports Parquet
    pinned = map(Requirement, requirements())
    assert {canonicalize_name(one.name): one.specifier for one in needed if one.marker is None} == {
        canonicalize_name(one.name): one.specifier for one in pinned
    }
    assert (metadata["Requires-Python"], metadata["License-Expression"]) == (">=3.11", "MIT")
    versions = [text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier", []) if ":: Python :: 3." in text]
    assert versions == ["3.11", "3.12", "3.13", "3.14"]


def test_what_it_needs_is_all_it_needs(installed: Installed, folder: Path) -> None:
    installed.check()
    imported = installed.run("python", "-W", "error::ImportWarning", "-c", IMPORT_ALL, folder=folder)
    assert (imported.returncode, imported.stderr) == (0, "")
    assert all(Path(file).is_relative_to(installed.packages) for file in imported.stdout.split())
    assert list(folder.iterdir()) == []


def test_the_matcher_is_there_for_other_programs_and_no_room_but_the_engine_comes_with_it(
    installed: Installed, folder: Path
) -> None:
    (folder / "own.py").write_text((ROOT / "examples" / "matching.py").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "tools.py").write_text("OWN = True", encoding="utf-8")  # a name of ours in somebody's own program
    code = "import own, sys, tools; print(tools.OWN, sys.modules.keys() & {'api', 'journal', 'flask', 'eventlet'})"
    imported = installed.run("python", "-c", code, folder=folder)
    assert imported.stderr == ""
    assert imported.stdout.splitlines()[0] == "103 bought 0.500 of 101 at 30000.00"
    assert imported.stdout.splitlines()[-1] == "True set()"


def test_run_from_an_empty_folder_has_a_page_and_a_market(installed: Installed, folder: Path) -> None:
    with installed.serving(["openbell", "run"], folder, FREE_PORT) as url:
        http = Http(url)
        check_page(http)
        eventually(lambda: http.get("/health")["flows"] == ["simulated"] and http.get("/health")["seq"] > 20)
        http.close()
    assert sorted(path.name for path in folder.iterdir()) == ["data"]
    audited = installed.run("openbell", "audit", "data", folder=folder)
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert "Verdict: clean" in audited.stdout


def test_nothing_it_says_is_about_the_checkout(installed: Installed, folder: Path) -> None:
    mistaken = installed.run("openbell", "run", "--no-such-option", folder=folder)
    assert mistaken.stderr.startswith("Usage: openbell serve ")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = installed.run("openbell", "run", "--port", str(other.getsockname()[1]), folder=folder)
    assert "another server has that port" in taken.stderr
    helps = [installed.run("openbell", name, "--help", folder=folder).stdout for name in ("serve", "replay")]
    assert [text for text in (taken.stderr, *helps) if re.search(r"\bmake\b|config/|\.venv", text)] == []
    lacking = installed.run("python", "-S", "-c", LACKING, str(installed.packages / VENUE), folder=folder)
    assert "pip install" in lacking.stderr
    assert "make" not in lacking.stderr
    assert list(folder.iterdir()) == []


def test_the_image_serves_with_credentials_and_is_healthy(installed: Installed, folder: Path) -> None:
    container = image()
    settings = moved(container.environment, container.volume, str(folder)) | {"OPENBELL_PORT": str(free_port())}
    with installed.serving([*container.entrypoint, *container.command], folder, settings) as url:
        http = Http(url)
        health = http.get("/health")
        assert (health["version"], health["profile"]) == (openbell.__version__, "secured")
        check_page(http)
        check_explained(http)
        http.close()
        checked = installed.run(*container.health, folder=folder, settings=settings)
        assert (checked.returncode, checked.stderr, checked.stdout) == (0, "", f"{url} takes orders\n")
    assert installed.run(*container.health, folder=folder, settings=settings).returncode == 1
    assert sorted(path.name for path in folder.iterdir()) == ["data"]
    assert foreign_files(folder) == []


def test_systemd_starts_a_server(installed: Installed, folder: Path) -> None:
    found = unit(folder)
    state = Path(found.folder)
    state.mkdir()
    with installed.serving(found.command, state, found.environment | FREE_PORT) as url:
        http = Http(url)
        assert http.get("/health")["accepting"]
        http.close()
    assert Path(found.environment["OPENBELL_DATA"], "journal.sqlite").is_file()


@needs_redis
@pytest.mark.skipif(bool(postgres.absent()), reason=str(postgres.absent()))
def test_compose_keeps_users_in_postgresql_and_counts_in_redis(
    installed: Installed, folder: Path, tmp_path: Path
) -> None:
    container = image()
    port = free_port()
    with postgres.running(port) as server_url, running_redis(tmp_path) as redis_url:
        here = {"postgres:5432": f"127.0.0.1:{port}", "redis:6379/0": urlsplit(redis_url).netloc + "/0"}
        composed = dict(services({"POSTGRES_PASSWORD": "secret"})["openbell"]["environment"])
        for there, address in here.items():
            composed = moved(composed, there, address)
        settings = moved(container.environment, container.volume, str(folder)) | composed | FREE_PORT
        command = [*container.entrypoint, *container.command]
        with (
            postgres.database(server_url, "openbell") as database_url,
            installed.serving(command, folder, settings) as url,
        ):
            http = Http(url)
            check_explained(http)
            http.close()
            with psycopg.connect(database_url) as connection:
                assert connection.execute("SELECT name FROM users WHERE name LIKE 'user%'").fetchall()
            assert redis.Redis.from_url(redis_url).dbsize() > 0
    assert not (folder / "data" / "identity.sqlite").exists()
