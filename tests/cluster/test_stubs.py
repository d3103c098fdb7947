"""The stubs of etcd's API are those of the description that stands beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.tidy.sources import ROOT

SOURCE = "cluster/etcd/wire.proto"


def test_the_stubs_are_made_of_the_description_as_it_is(tmp_path: Path) -> None:
    words = ["--proto_path", str(ROOT), "--python_out", str(tmp_path), "--pyi_out", str(tmp_path), str(ROOT / SOURCE)]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *words], check=True, timeout=60)
    for suffix in ("_pb2.py", "_pb2.pyi"):
        made = (tmp_path / SOURCE.replace(".proto", suffix)).read_text(encoding="utf-8")
        assert made == (ROOT / SOURCE.replace(".proto", suffix)).read_text(encoding="utf-8"), "run `make stubs`"
