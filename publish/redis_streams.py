"""Redis Streams: a stream for each topic, whose entries have the ids SEQ-NUMBER, and beside them the position.

Redis refuses an entry whose id is not above the last, so no message is there twice. A script compares the position with
what is expected, adds, and sets it: of several who publish the same records each message comes from one.
Layer: publish. Blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from publish.broker import Batch, BrokerAway, BrokerPosition, BrokerRefused, decoded_position, encoded_position
from publish.messages import Message
from publish.target import Target, Topic

PATIENCE_S: Final = 5.0  # for an answer, before it is tried again
POSITION: Final = "position"  # the key's name behind the prefix
MESSAGES_MAX: Final = 1_000  # in one call of the script, which is some 10 ms of Redis' time
BYTES_MAX: Final = 2**20

# KEYS: the position, then the streams. ARGV: the position that is expected, the one to set (none: leave it), how many
# entries a stream keeps (0: all), then for each entry its stream, id, key and data. Returns the position.
_PUBLISH: Final = """
local found = redis.call('GET', KEYS[1]) or ''
if found ~= ARGV[1] then return found end
for at = 4, #ARGV, 4 do
  local added
  if ARGV[3] == '0' then
    added = redis.pcall('XADD', KEYS[ARGV[at] + 1], ARGV[at + 1], 'key', ARGV[at + 2], 'data', ARGV[at + 3])
  else
    added = redis.pcall('XADD', KEYS[ARGV[at] + 1], 'MAXLEN', '~', ARGV[3],
      ARGV[at + 1], 'key', ARGV[at + 2], 'data', ARGV[at + 3])
  end
  if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller', 1, true) then
    return added
  end
end
if ARGV[2] == '' then return found end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]
"""


class RedisStreams:
    """The `Broker` port over one Redis, 5.0 or newer, or what speaks as it does; no Redis Cluster."""

    def __init__(self, target: Target) -> None:
        """Connects with the first call. Raises BrokerRefused where the URL says what its client does not know."""
        try:
            self._redis = Redis.from_url(
                target.address,
                socket_timeout=PATIENCE_S,
                socket_connect_timeout=PATIENCE_S,
                retry=Retry(NoBackoff(), 0),
                protocol=2,
            )
        except (RedisError, ValueError, TypeError) as problem:
            raise BrokerRefused(f"the URL of Redis is not understood: {type(problem).__name__}") from None
        self._script = self._redis.register_script(_PUBLISH)
        self._position = target.name_of(POSITION)
        self._streams = {topic: (str(at), target.name_of(topic)) for at, topic in enumerate(Topic, 1)}
        self._length_max = str(target.length_max)

    def position(self) -> BrokerPosition | None:
        """As `Broker.position`."""
        try:
            kept = self._redis.get(self._position)
        except (RedisError, OSError) as problem:
            raise _away(problem) from None
        return decoded_position(kept if isinstance(kept, bytes) else b"")

    def prepare(self, *, is_new: bool) -> None:
        """As `Broker.prepare`: streams come with their first entry."""
        if not is_new:
            return
        try:
            foreign = [name for _, name in self._streams.values() if self._redis.exists(name)]
        except (RedisError, OSError) as problem:
            raise _away(problem) from None
        if foreign:
            raise BrokerRefused(
                f"Redis has {', '.join(foreign)} and no {self._position}: they are of something else. Delete them, or "
                "publish with another prefix"
            )

    def publish(self, batch: Batch) -> BrokerPosition | None:
        """As `Broker.publish`."""
        expected, wanted = encoded_position(batch.expected), encoded_position(batch.position)
        parts = _parts(batch.messages)
        for part in parts[:-1]:
            kept = self._call(expected, b"", part)
            if kept != expected:
                return decoded_position(kept)
        return decoded_position(self._call(expected, wanted, parts[-1]))

    def close(self) -> None:
        """As `Broker.close`."""
        self._redis.close()

    def _call(self, expected: bytes, wanted: bytes, messages: Sequence[Message]) -> bytes:
        """The position once the script has run. Raises BrokerAway."""
        arguments: list[bytes | str] = [expected, wanted, self._length_max]
        for each in messages:
            arguments += (self._streams[each.topic][0], f"{each.seq}-{each.number}", each.key, each.body)
        try:
            kept = self._script([self._position, *(name for _, name in self._streams.values())], arguments)
        except (RedisError, OSError) as problem:
            raise _away(problem) from None
        return kept if isinstance(kept, bytes) else b""


def _parts(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages in as many calls as they take; one at least."""
    parts: list[list[Message]] = [[]]
    size = 0
    for each in messages:
        if len(parts[-1]) >= MESSAGES_MAX or size >= BYTES_MAX:
            parts.append([])
            size = 0
        parts[-1].append(each)
        size += len(each.body)
    return parts


def _away(problem: Exception) -> BrokerAway:
    return BrokerAway(f"Redis: {type(problem).__name__}: {problem}")
