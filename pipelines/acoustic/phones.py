"""The phones of an acoustic model, by number.

PhoneSet(("", "AH", "EY")).numbered((("AH",), ("EY",), ("OY",)))  ->  [(1,), (2,)]
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
        """The phones of all pronunciations of these words."""
        return cls(("", *sorted({phone for ways in words for way in ways for phone in way})))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    def numbered(self, ways: Ways) -> list[Way]:
        """The pronunciations as numbers; those with a phone outside this set are left out."""
        return [tuple(self._numbers[p] for p in way) for way in ways if all(p in self._numbers for p in way)]
