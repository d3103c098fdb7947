"""What a person does about a log that has little space left, or none: the sentences and commands of `openbell cluster`.

Layer: cluster. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cluster.space import CANCELS_ONLY_SHARE, Space, SpaceLevel

SNAPSHOTS_NEEDED: Final = 2  # on different nodes, before records are trimmed


def advice_on(space: Space | None, urls: str, with_snapshots: Collection[str]) -> list[str]:
    """Lines for a terminal; none where there is space. `urls`: of etcd's members, as for `etcdctl --endpoints`.

    `with_snapshots`: the nodes that have said where their newest snapshot is.
    """
    if space is None or space.level in (SpaceLevel.NORMAL, SpaceLevel.WARN):
        return []
    etcdctl = f"etcdctl --endpoints {urls}"
    lines = ["", *_what_it_is(space)]
    if len(with_snapshots) < SNAPSHOTS_NEEDED:
        have = ", ".join(sorted(with_snapshots)) or "none"
        lines.append(
            f"  - The log is trimmed to what {SNAPSHOTS_NEEDED} nodes have snapshots of, and those that have one are: "
            f"{have}. Start the others; a node writes one each --snapshot-every commands, and as it ends."
        )
    lines += [
        "  - Does something else fill this etcd? Keys that are not below /openbell/ are not ours:",
        f"      {etcdctl} get / --prefix --keys-only",
        "  - A larger quota is the way out that always works: start one member after the other with a larger",
        "      --quota-backend-bytes",
    ]
    if space.level is SpaceLevel.FULL:
        lines += [
            "    then end the alarm:",
            f"      {etcdctl} alarm disarm",
            "  - By hand, what the nodes do by themselves while etcd answers (REVISION as endpoint status says it):",
            f"      {etcdctl} endpoint status --write-out json",
            f"      {etcdctl} compaction REVISION",
            f"      {etcdctl} defrag",
            f"      {etcdctl} alarm disarm",
        ]
    return lines


def _what_it_is(space: Space) -> list[str]:
    if space.level is SpaceLevel.FULL:
        return [
            "etcd has no space left: nothing is taken, cancels neither, and no node can become the writer. Nothing",
            "that was acknowledged is lost. The writer, or where there is none the node that would be it, trims,",
            "compacts and defragments; orders go on when that gave space. Where they do not within a minute:",
        ]
    return [
        f"etcd is at {CANCELS_ONLY_SHARE:.0%} of its quota or more: only cancels are taken, so that a change of the",
        "writer still has space. The writer trims, compacts and defragments. Where that does not help:",
    ]
