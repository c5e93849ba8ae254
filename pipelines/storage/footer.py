"""What the footer of a part says, and who answers for footers that need not be read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Footer:
    """What a part's footer says of it. `notes` are entries beside the two that every part has."""

    fingerprint: str
    digest: str
    notes: Mapping[str, str] = field(default_factory=dict)


class Footers(Protocol):
    """Footers of a corpus's parts that are known without reading each of them, as `parts/node_manifest.py` knows them."""

    def footer_of(self, name: str) -> Footer | None:
        """The footer of a part; None where there is no such part, or one that cannot be read."""

    def size_of(self, name: str) -> int:
        """The length of a part, or of a file that was committed with one, in bytes; -1 where it is not there."""

    def forget(self, part: str) -> None:
        """Drops what is known of a part that is made anew."""

    def write(self, parts: Iterable[str]) -> None:
        """Saves what is known of all these parts for the next build."""
