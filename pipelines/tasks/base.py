"""A task turns one utterance (document, dialogue, recording) into one sample: the backend writes the tokens in order, the base counts.

class Task(base.SpokenTask):
    def compose(self, material, builder, random):
        spoken = material.spoken[0]
        builder.marker("speech"); builder.codes(spoken.codes[self.stream])
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar, Literal

from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.audio import Alignment, Codes, Field, Utterance
from weft.schemas.counting import counted
from weft.schemas.facts import Facts
from weft.schemas.ledger import Unusable
from weft.schemas.passage import Passage
from weft.schemas.settings import Versioned
from weft.schemas.splits import Split
from weft.schemas.text import Dialogue, Document
from weft.schemas.vocabulary import Modality


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance with its words in time, where the task is `aligned`, and its codes by the name of the stream."""

    utterance: Utterance
    alignment: Alignment | None = None
    codes: Mapping[str, Codes] = field(default_factory=dict)

    @property
    def words(self) -> Alignment:
        """Its alignment, which an `aligned` task always has."""
        assert self.alignment
        return self.alignment

    @property
    def text(self) -> str:
        """Its transcript. Raises Unusable when there is none."""
        if not self.utterance.text:
            raise Unusable("no_transcript", "this task needs a transcript")
        return self.utterance.text

    @property
    def seconds(self) -> float:
        return self.utterance.seconds

    def field(self, name: str) -> str:
        """The text of a field of the utterance. Raises Unusable."""
        return _field(self.utterance.fields, name)


@dataclass(frozen=True, slots=True)
class Written:
    """A document as turns say it: its text and its fields, without any codes."""

    document: Document

    @property
    def seconds(self) -> float:
        return 0.0

    @property
    def text(self) -> str:
        return self.document.text

    def field(self, name: str) -> str:
        """The text of a field. Raises Unusable."""
        return _field(self.document.fields, name)


def _field(fields: Sequence[Field], name: str) -> str:
    for field_ in fields:
        if field_.name == name:
            return field_.value
    given = ", ".join(one.name for one in fields) or "none"
    raise Unusable("no_field", f"it has no field {name!r} (its fields: {given})")


@dataclass(frozen=True, slots=True)
class Material:
    """What a sample is made of: the record it is about, its utterances in order (none for a document), and its image as PNG."""

    source: Utterance | Document | Dialogue | Passage
    spoken: tuple[Spoken, ...] = ()
    image: bytes = b""

    @property
    def split(self) -> str:
        """Train, validation or test; "" for a dialogue none of whose utterances is left."""
        if isinstance(self.source, Dialogue):
            return self.spoken[0].utterance.split if self.spoken else ""
        return self.source.split

    def field(self, name: str) -> str:
        """The text of a field of the record. Raises Unusable."""
        return _field(() if isinstance(self.source, Passage) else self.source.fields, name)

    @property
    def text(self) -> str:
        if isinstance(self.source, Dialogue):
            return "\n".join(turn.text for turn in self.source.turns)
        return self.source.text or ""


class Task(Versioned):
    """`sources` and `split` are the recipe's. `takes` is the record that a sample is about: Utterance, Document, Dialogue or Passage.

    An `aligned` task needs the words of its utterances in time. `writes_text` says whether its samples hold text. Of a sample that
    `is_prompt` no token counts in the loss. A sample longer than the context is cut into pieces by the trainer, or rejected where
    `cut` is never.
    """

    takes: ClassVar[type] = Utterance
    aligned: ClassVar[bool] = False
    writes_text: ClassVar[bool] = True
    is_prompt: ClassVar[bool] = False

    sources: tuple[str, ...]
    split: Split = "train"
    cut: Literal["context", "never"] = "context"

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams whose codes it needs, by name."""
        return ()

    @property
    def latents(self) -> frozenset[Modality]:
        """What of `audio` and `image` each of its samples has as latents."""
        return frozenset()

    @property
    def latent_markers(self) -> frozenset[tuple[str, Modality]]:
        """The markers that it writes round and for latents, each with its modality."""
        return frozenset()

    @property
    def markers(self) -> frozenset[str]:
        """The vocabulary's markers that it writes, by name."""
        raise NotImplementedError

    @property
    def fields(self) -> frozenset[str]:
        """The named fields of its records that it needs."""
        return frozenset()

    @property
    def fewest_utterances(self) -> int:
        """A recording of fewer gives no sample, where a sample is of a recording."""
        return 1

    @property
    def keeps_answer(self) -> bool:
        """Whether each of its samples has an answer, which a reply is checked with."""
        return False

    @property
    def says_text(self) -> bool:
        """Whether it needs the transcript of an utterance."""
        return self.writes_text

    def misfit(self, facts: Facts, makes: type) -> str:
        """Why no record of which this is known gives a sample, as the end of a sentence that begins with the name of its source; ""
        where one may. `makes` is what the source makes.
        """
        return next(self.misfits(facts, self.takes_of(makes)), "")

    def misfits(self, facts: Facts, takes: type) -> Iterator[str]:
        """All that `misfit` may say. `takes` is the record that a sample is about."""
        if facts.fields is not None and (missing := sorted(self.fields - facts.fields)):
            has = f"its fields are {', '.join(sorted(facts.fields))}" if facts.fields else "its records have no fields"
            yield f"never gives the field {missing[0]!r} ({has}), which this task needs"
        if takes is Passage and "image" in self.latents:
            yield "gives whole recordings, which have no image"
        if takes is Passage and facts.most_utterances is not None and facts.most_utterances < self.fewest_utterances:
            few = counted(facts.most_utterances, "utterance")
            yield f"has recordings of {few} at most, and this task needs {self.fewest_utterances} of one"
        if takes in (Utterance, Passage) and facts.has_text is False and self.says_text:
            yield "gives no transcripts, which this task needs"

    def takes_of(self, makes: type) -> type:
        """The record that a sample of a source is about, by what the source makes."""
        return self.takes

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        """Writes the sample into the builder. Raises Unusable. `random` is seeded by (sample key, pass)."""
        raise NotImplementedError


class SpokenTask(Task):
    """A task over one stream: `stream` names a tokenizer or an entry of `streams:`; the only one there is, unless named."""

    stream: str = ""

    @property
    def streams(self) -> tuple[str, ...]:
        return (self.stream,)
