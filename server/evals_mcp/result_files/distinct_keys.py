"""Counts the different keys of a column in fixed memory, many at a time.

Above a capacity, keys are kept or dropped by bits of their hash, so that those kept are a random
sample of the different keys (P. Flajolet, "On adaptive sampling", Computing 34, 1990, 391-400).
The first eight bits are computed for all keys of a block at once: a table of random bytes is
looked up for each byte of a key, and what is found is combined by exclusive or (J. Carter and
M. Wegman, "Universal classes of hash functions", Journal of Computer and System Sciences 18, 1979,
143-154). Few keys pass these eight bits; the further bits are those of a digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from itertools import compress
from random import Random

from evals_schemas.datasets.repeated_inputs import EXACT_VALUES
from evals_schemas.digests import COLUMN_BYTES

_BITS_AT_ONCE = 8


class DistinctKeys:
    """A count of different keys (`column_key`), exact or estimated from a sample of them."""

    def __init__(self, capacity: int = EXACT_VALUES) -> None:
        self._capacity = capacity
        self._kept: set[bytes] = set()
        self._bits = 0
        """The bits of the hash that are zero in all kept keys."""

    def update(self, keys: Sequence[bytes], joined: bytes) -> None:
        """Count keys; their number must be limited.

        Args:
            keys: the keys, each of `COLUMN_BYTES` bytes.
            joined: the same keys as one string.
        """
        self._kept.update(self._sampled(keys, joined) if self._bits else keys)
        while len(self._kept) > self._capacity:
            self._bits += 1
            kept = list(self._kept)
            self._kept = set(self._sampled(kept, b"".join(kept)))

    def _sampled(self, keys: Sequence[bytes], joined: bytes) -> Iterable[bytes]:
        """Return the keys whose hash begins with as many zero bits as the sample asks for."""
        first_bits = min(self._bits, _BITS_AT_ONCE)
        sampled = compress(keys, _first_byte_of_hashes(joined).translate(_marks(first_bits)))
        further = (1 << self._bits - first_bits) - 1
        return (key for key in sampled if not _digest(key) & further) if further else sampled

    @property
    def exact(self) -> bool:
        """Whether `count` is exact."""
        return not self._bits

    @property
    def count(self) -> int:
        """The number of different keys."""
        return len(self._kept) << self._bits


def _first_byte_of_hashes(joined: bytes) -> bytes:
    """Return the first byte of the hash of each key."""
    hashes = 0
    for place, table in enumerate(_tables()):
        looked_up = joined[place::COLUMN_BYTES].translate(table)
        hashes ^= int.from_bytes(looked_up, "little")
    return hashes.to_bytes(len(joined) // COLUMN_BYTES, "little")


def _digest(key: bytes) -> int:
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little")


@cache
def _tables() -> list[bytes]:
    """Return a table of random bytes for each place in a key, the same in every process."""
    random = Random(0)  # noqa: S311 - a sample, not a secret
    return [random.randbytes(256) for _ in range(COLUMN_BYTES)]


@cache
def _marks(bits: int) -> bytes:
    """Return a table for `bytes.translate`: 1 for each byte that ends with so many zero bits."""
    return bytes(not byte & (1 << bits) - 1 for byte in range(256))
