"""One entry of a source's listing: enough to read it later, and a stamp that changes when its content may have.

Item("clip-3fa0c1d2e4", source="speech", path="a/clip.wav", uri="/data/a/clip.wav", stamp="91244:1731999…", …)
"""

import re
from dataclasses import dataclass

from weft.schemas.fingerprint import hash64


@dataclass(frozen=True, slots=True)
class Item:
    """`path` is the name within the source (it makes the key), `payload` what the listing itself says of the item."""

    key: str
    source: str
    path: str
    uri: str
    stamp: str
    offset: int = 0
    length: int = 0
    text_uri: str = ""
    payload: str = ""

    @property
    def seconds(self) -> float:
        """Unknown before the item was read."""
        return 0.0


def key_for(source: str, path: str) -> str:
    """A key for `path` of `source`: at most 35 letters of `[A-Za-z0-9_-]`, readable, and unique by its hash.

    >>> key_for("speech", "day 1/Über.wav")
    'ber-fb41…'
    """
    return f"{key_beginning(path)}{hash64('key', source, path) >> 16:012x}"


def key_beginning(path: str) -> str:
    """What the key of an item of this path begins with, in whichever source: its file's own name, in plain letters.

    >>> key_beginning("day 1/Über.wav")
    'ber-'
    """
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0] or path
    slug = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:22]
    return f"{slug or 'item'}-"


def bucket(key: str, count: int) -> int:
    """Which of `count` buckets a key falls into: an item added or lost touches one bucket only."""
    return linear(hash64("bucket", key), count)


def linear(number: int, count: int) -> int:
    """Which of `count` buckets a number falls into, by linear hashing (Litwin 1980).

    From `count` to `count + 1` one bucket is split in two and no other changes. Buckets group alike:
    `linear(linear(h, m), n) == linear(h, n)` for n <= m.
    """
    level = 1 << (count.bit_length() - 1)  # the greatest power of two that is not above count
    low = number & (level - 1)
    return number & (2 * level - 1) if low < count - level else low


def bucket_count(items: float, wanted: float) -> int:
    """The least number of buckets that leaves at most `wanted` in each in the mean; at least one."""
    return max(1, int(-(-items // wanted)))
