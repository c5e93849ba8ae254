"""The work of what learns from a corpus: the aligner, the speech tokenizers and the vocabulary, and the checks that run before them."""

from collections.abc import Iterable
from dataclasses import dataclass

from weft.pipelines.models.model_work import AlignerWork, CopyWork, TokenizerWork
from weft.pipelines.models.vocabulary_work import VocabularyWork
from weft.pipelines.nodes import Nodes
from weft.pipelines.parts.hold_out_work import HoldOutWork
from weft.pipelines.parts.tables import part_name
from weft.pipelines.parts.work import Work
from weft.schemas.resources import Resources
from weft.schemas.text import Document
from weft.schemas.vocabulary import Entry
from weft.tokenizers.models.folder import located


@dataclass(frozen=True)
class Learning(Nodes):
    """A recipe with its nodes and the work of what learns. `parts` counts each source's listing parts."""

    def learning_works(self, parts: dict[str, int]) -> list[Work]:
        """What learns, but for the vocabulary, which only tasks need."""
        return [*self._aligner_work(parts), *(self._tokenizer_work(name, parts) for name in self.tokenizers)]

    def hold_out_works(self, parts: dict[str, int]) -> list[Work]:
        """Checks that run before any model learns from what they look at."""
        works: list[Work] = []
        for space in self.spaces:
            is_text = any(self.sources[s].makes is Document for s in space.splits)
            needs = tuple(part_name(self._read(s), p) for s in space.splits for p in range(parts.get(s, 0)))
            works += [HoldOutWork(space, needs, is_text)] if needs else []
        return works

    def _checks(self, sources: Iterable[str], parts: dict[str, int]) -> tuple[str, ...]:
        """What must have been checked before anything learns from these sources."""
        held: list[HoldOutWork] = [work for work in self.hold_out_works(parts) if isinstance(work, HoldOutWork)]
        return tuple(work.makes for work in held if set(sources) & set(work.space.splits))

    def _read(self, source: str) -> str:
        """The node whose parts hold the records that have a split."""
        return f"ingest/{source}" if self.sources[source].makes is Document else f"segment/{source}"

    def _aligner_work(self, parts: dict[str, int]) -> list[Work]:
        """What learns from the sources that are aligned, or from those it names."""
        spoken = [s for s in parts if self.sources[s].makes is not Document and self._is_aligned(s)]
        if not spoken or not self.align or not self.align.aligner.training_seconds:
            return []
        among = [s for s in spoken if s in (self.recipe.align.sources or spoken)]
        needs = tuple(part_name(self.utterances(s), p) for s in among for p in range(parts[s]))
        return [
            AlignerWork(
                self.align.aligner,
                needs,
                self.recipe.seed,
                frozen=self.recipe.align.frozen,
                checks=self._checks(among, parts),
                reading=self.recipe.reading,
            )
        ]

    def _tokenizer_work(self, name: str, parts: dict[str, int]) -> Work:
        among = self.recipe.tokenizers[name].sources or tuple(parts)
        spoken = [s for s in among if self.sources[s].makes is not Document]
        tokenizer = self.tokenizers[name]
        learns = bool(tokenizer.training_seconds)  # or it would keep what encodes waiting for the last part
        needs = tuple(part_name(self.utterances(s), p) for s in spoken for p in range(parts[s])) if learns else ()
        if folder := self.recipe.tokenizers[name].folder:
            return CopyWork(name, tokenizer, self._taken(folder))
        # it is loaded in the end, where it encodes
        holds = Resources(gpus=tokenizer.resources.gpus)
        frozen = self.recipe.tokenizers[name].frozen
        checks, reading = self._checks(spoken, parts), self.recipe.reading
        return TokenizerWork(
            name=name,
            tokenizer=tokenizer,
            parts=needs,
            seed=self.recipe.seed,
            resources=holds,
            frozen=frozen,
            checks=checks,
            reading=reading,
        )

    def _taken(self, folder: str) -> str:
        return str(located(folder).absolute())

    def vocabulary_work(self, parts: dict[str, int]) -> VocabularyWork:
        layout = self.recipe.vocabulary
        among = self.recipe.text.sources or tuple(parts)
        nodes = {s: f"ingest/{s}" if self.sources[s].makes is Document else self.utterances(s) for s in among}
        needs = tuple(part_name(nodes[s], p) for s in among for p in range(parts[s])) if self.text.trains else ()
        codes = tuple(
            Entry(name=name, literal=tokenizer.literal, size=tokenizer.size, modality="speech")
            for name, tokenizer in self.tokenizers.items()
        )
        writes = any(task.writes_text for task in self.tasks.values())
        return VocabularyWork(
            text=self.text,
            layout=layout,
            codes=codes,
            parts=needs,
            frozen=self.recipe.text.frozen,
            checks=self._checks(among, parts),
            writes_text=writes,
        )
