"""What `make cluster` starts with: ports of its members, and what it says where it cannot start.

Layer: tests.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tools.cluster import member_ports
from tools.spawn import ROOT


def test_each_member_has_ports_of_its_own_and_keeps_them(tmp_path: Path) -> None:
    first = member_ports(tmp_path)
    assert len({port for pair in first for port in pair}) == 2 * len(first)
    assert member_ports(tmp_path) == first


def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "tools.cluster", "--port", str(port), "--nodes", "1", "--data", str(tmp_path / "d")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert not (tmp_path / "d").exists()
