"""The phones of an acoustic model, by number.

PhoneSet(("", "AH", "EY")).numbered((("AH",), ("EY",), ("OY",)))  ->  [(1,), (2,)]
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from weft.pipelines.acoustic.network import PhoneNumbers

Pronunciations = tuple[tuple[str, ...], ...]  # the pronunciations of a word, as phones


@dataclass(frozen=True)
class PhoneSet:
    """Number 0, "", is the pause."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, words: Iterable[Pronunciations]) -> "PhoneSet":
        """The phones of all pronunciations of these words."""
        return cls(("", *sorted({phone for pronunciations in words for phones in pronunciations for phone in phones})))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}

    def numbered(self, pronunciations: Pronunciations) -> list[PhoneNumbers]:
        """The pronunciations as numbers; those with a phone outside this set are left out."""
        return [
            tuple(self._numbers[p] for p in phones)
            for phones in pronunciations
            if all(p in self._numbers for p in phones)
        ]
