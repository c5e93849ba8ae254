"""The sounds an acoustic model tells apart.

Phones(("", "AH", "EY")).numbered((("AH",), ("EY",), ("OY",)))  ->  [(1,), (2,)]
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from weft.pipelines.acoustic.network import Way

Ways = tuple[tuple[str, ...], ...]  # the pronunciations of a word, as phones


@dataclass(frozen=True)
class PhoneSet:
    """Number 0, "", is the pause."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, words: Iterable[Ways]) -> "PhoneSet":
        """All that these words are said with."""
        return cls(("", *sorted({phone for ways in words for way in ways for phone in way})))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    def numbered(self, ways: Ways) -> list[Way]:
        """The pronunciations as numbers; those with a sound that is not among these are left out."""
        return [tuple(self._numbers[p] for p in way) for way in ways if all(p in self._numbers for p in way)]
