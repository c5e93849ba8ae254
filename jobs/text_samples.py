"""Some of the documents of text files, and some values of each of their fields: to see how they are spelt.

samples = TextSamples()
samples.add(documents, share=0.02)       of each item that is read, which is so much of all
samples.texts, samples.fields            ("So it was.", …), {"answer": ("A child.", …)}

Both are from all over the files, since texts of one kind often stand together.
"""

from collections.abc import Sequence
from heapq import nsmallest
from random import Random

from weft.jobs.source_sizes import SAMPLE_LENGTH, SAMPLES
from weft.schemas.text import Document

_KEPT = 1 << 20  # bytes of documents, about


class TextSamples:
    """Always the same for the same items. Of little text all documents are kept, in their order."""

    def __init__(self) -> None:
        self._random = Random(0)
        self._texts, self._kept, self._due = list[str](), 0, 0.0
        self._fields: dict[str, list[tuple[float, str]]] = {}  # each value with its number: those with the lowest stay

    def add(self, documents: Sequence[Document], share: float) -> None:
        self._due += _KEPT * share
        self._texts += self._some(documents)
        values: dict[str, list[tuple[float, str]]] = {}
        for field in (one for document in documents for one in document.fields):
            values.setdefault(field.name, []).append((self._random.random(), field.value[:SAMPLE_LENGTH]))
        for name, numbered in values.items():
            self._fields[name] = nsmallest(SAMPLES, [*self._fields.get(name, ()), *numbered])

    def _some(self, documents: Sequence[Document]) -> list[str]:
        """As many as are due, from any place of an item. Long ones make others wait: not every item gives one."""
        taken = list[int]()
        for n in self._random.sample(range(len(documents)), len(documents)):
            if self._kept >= self._due:
                break
            taken.append(n)
            self._kept += len(documents[n].text.encode())
        return [documents[n].text for n in sorted(taken)]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self._texts)

    @property
    def fields(self) -> dict[str, tuple[str, ...]]:
        """At most `SAMPLES` of each name, each value of any item as likely."""
        return {name: tuple(value for _, value in numbered) for name, numbered in self._fields.items()}
