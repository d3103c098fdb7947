"""The list of an archive's segments: one JSON file, replaced whole, with a checksum of its own.

It says nothing that the heads of the segments do not say. So one that is missing or damaged is made anew from them.
Layer: journal.
"""

from __future__ import annotations

import logging
import zlib
from pathlib import Path
from typing import Final

import msgspec

from journal.files import flush, read_regular, replace_file
from journal.segment import HEAD_BYTES, Segment, SegmentDamaged, head_of

MANIFEST_NAME: Final = "manifest.json"
MANIFEST_FORMAT: Final = 1

log = logging.getLogger(__name__)


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    crc32: int  # of the segments, encoded as compact JSON
    segments: list[Segment]


class ManifestDamaged(Exception):
    """The manifest is not what was written. The message is part of a sentence."""


def load_manifest(folder: Path) -> list[Segment] | None:
    """The segments that it lists, in order; None where there is no manifest. Raises ManifestDamaged, OSError."""
    try:
        data = read_regular(folder / MANIFEST_NAME)
    except FileNotFoundError:
        return None
    try:
        manifest = msgspec.json.decode(data, type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestDamaged(f"it cannot be read: {error}") from error
    if manifest.format != MANIFEST_FORMAT:
        raise ManifestDamaged(f"its format is {manifest.format}, this version knows {MANIFEST_FORMAT}")
    if zlib.crc32(msgspec.json.encode(manifest.segments)) != manifest.crc32:
        raise ManifestDamaged("it does not match its checksum")
    return manifest.segments


def save_manifest(folder: Path, segments: list[Segment]) -> None:
    """Replace the manifest; durable on return. O(segments). Raises OSError."""
    crc32 = zlib.crc32(msgspec.json.encode(segments))
    data = msgspec.json.encode(_Manifest(MANIFEST_FORMAT, crc32, segments))
    replace_file(folder / MANIFEST_NAME, msgspec.json.format(data, indent=1))


def segments_by_heads(folder: Path) -> list[Segment]:
    """The segments that lie in the folder, by their heads, in order; one without a sound head is left out, and logged.

    The order is that of their records, whatever their names say. Of two that have a record in common the one counts
    that has more. O(files).
    """
    heads: list[Segment] = []
    for path in sorted(folder.glob("segment-*.oba")):
        try:
            heads.append(head_of(path.name, read_regular(path, HEAD_BYTES)))
        except (SegmentDamaged, OSError) as error:
            log.error("The archive %s: %s", folder, error)
    found: list[Segment] = []
    for segment in sorted(heads, key=lambda each: each.first_n):
        if found and segment.first_n <= found[-1].last_n:
            if segment.count > found[-1].count:
                found[-1] = segment
            continue
        found.append(segment)
    return found


def set_aside(path: Path) -> Path:
    """Rename a file that is of no use to a name that is free; return it. Raises OSError."""
    kept = path.with_name(path.name + ".bad")
    while kept.exists():
        kept = kept.with_name(kept.name + "-again")
    path.rename(kept)
    flush(path.parent)
    return kept
