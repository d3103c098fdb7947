"""Making a log, once: its format and its head come to be together, and are never deleted.

Layer: cluster. Blocks, by what it is given.
"""

from __future__ import annotations

from typing import Final

import msgspec

from cluster.failures import LogTooNew, LogUnformatted
from cluster.keys import FORMAT, Format, Head, Keys, StoredHead, decode_head, encode_head
from cluster.records import START, Position
from cluster.store import CreatedIn, LogStore, Put, Read, Transaction

ANSWER_S: Final = 1.0


def found_log(store: LogStore, keys: Keys, at: Position = START) -> StoredHead:
    """Make the log where there is none, and return the head of that which there is now.

    `at`: behind which record it begins; that of a journal whose venue becomes a cluster, and which every node then
    needs a snapshot of. A node that has records must not make a log anew on its own: a person does.
    Raises LogTooNew and StoreError; after NoAnswer it may be called again.
    """
    put_format = Put(keys.format, msgspec.json.encode(Format(FORMAT, at.n)))
    put_head = Put(keys.head, encode_head(Head(at, 0)).value)
    free = (CreatedIn(keys.format, 0), CreatedIn(keys.head, 0))
    store.transact(Transaction(free, (put_format, put_head)), ANSWER_S)
    return opened_log(store, keys)


def opened_log(store: LogStore, keys: Keys) -> StoredHead:
    """The head of a log that was made before. Raises LogUnformatted, LogTooNew and StoreError."""
    formats, heads = store.transact(Transaction(then=(Read(keys.format), Read(keys.head))), ANSWER_S).reads
    if not formats or not heads:
        raise LogUnformatted(f"There is no log under {keys.prefix} in this store.")
    try:
        found = msgspec.json.decode(formats[0].value, type=Format)
    except ValueError as error:  # DecodeError, or a text that is none
        raise LogTooNew(f"The log's format cannot be read: {error}.") from error
    if found.log > FORMAT:
        raise LogTooNew(f"The log is of format {found.log}; this version knows {FORMAT}.")
    return decode_head(heads[0].value)
