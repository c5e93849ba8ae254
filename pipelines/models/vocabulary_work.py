"""Work that makes the unified vocabulary: the text tokenizer is trained or loaded, markers and codes are laid out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from shlex import quote

from weft.pipelines.models.base_work import ModelWork, backend_facts, committed_model, refusals
from weft.pipelines.models.progress import steps_in_file
from weft.pipelines.models.training_set import WITH_TEXT
from weft.pipelines.parts.committed import digest_of
from weft.pipelines.parts.tables import read_table
from weft.pipelines.storage.store import Store
from weft.schemas.changes import named_settings
from weft.schemas.learning import report_step
from weft.schemas.recipe_sections import TokenEntry, VocabularySettings
from weft.schemas.resources import Resources
from weft.schemas.vocabulary import Entry
from weft.tokenizers.text import TextTokenizer

VERSION = "2"  # of what the vocabulary's files hold
BEFORE_LEARNING = ("ingest", "synthesize", "segment", "transcribe", "assess")  # stages


@dataclass(frozen=True)
class VocabularyWork(ModelWork):
    """Trains or loads the text tokenizer and lays out the unified vocabulary."""

    text: TextTokenizer
    layout: VocabularySettings
    codes: tuple[Entry, ...]
    parts: tuple[str, ...]
    resources: Resources = Resources(cpus=1)
    frozen: bool = False
    checks: tuple[str, ...] = ()
    writes_text: bool = True  # False where no task writes a word of it

    node = "vocabulary"

    def made_from(self, store: Store) -> dict[str, str]:
        texts = {f"text {name}": digest_of(store, name) for name in self.parts} if self.text.trains else {}
        settings = {
            "vocabulary": self.layout.model_dump(mode="json", exclude={"tokens"}),
            "entries": [asdict(entry) for entry in self.entries],
        }
        return {**backend_facts(self.text), "version vocabulary": VERSION, **named_settings(settings), **texts}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Markers and codes in the order of their ids. Codes that the layout does not list come last, by name."""
        codes = {entry.name: entry for entry in self.codes}
        listed = [
            replace(codes.pop(token.codes), at=token.at) if token.codes else _marker(token)
            for token in self.layout.tokens
        ]
        return (*listed, *(codes[name] for name in sorted(codes)))

    def run(self, store: Store) -> int:
        from weft.tokenizers.unified import save, unify

        at = self.layout
        with steps_in_file(store, self.node), refusals(self.node):
            text = self.text.train(self._at_least_one(store, self._texts(store)))
            vocabulary = unify(text, self.entries, pad_to=at.pad_to, multiple=at.multiple, bos=at.bos)
        with committed_model(store, self.node, self.made_from(store)) as folder:
            save(folder, text, vocabulary)
        return vocabulary.size

    def _at_least_one(self, store: Store, texts: Iterator[str]) -> Iterator[str]:
        """The texts. Raises ValueError where one that trains has none: it would know bytes alone."""
        must_learn = self.text.trains and self.writes_text
        first = next(texts, None) if must_learn else ""
        if first is None:
            raise ValueError(f"nothing to learn from: {self._why_none(store)}")
        return chain([first], texts) if must_learn else texts

    def _why_none(self, store: Store) -> str:
        sources = tuple(dict.fromkeys(name.split("/")[-2] for name in self.parts))
        reasons = rejected(store, sources)
        if reasons and not any(len(read_table(store, name, ["split"])) for name in self.parts):
            counts = ", ".join(f"{items:,} {reason}" for reason, items in reasons.most_common())
            return f"all of {', '.join(sources)} was rejected ({counts}); `weft rejects {quote(store.url)}` shows what and why"
        return f"no text for training in {', '.join(sources)}; name sources with text in `text.sources`"

    def _texts(self, store: Store) -> Iterator[str]:
        for number, name in enumerate(self.parts):
            report_step("parts of text", number + 1, len(self.parts))
            table = read_table(store, name, ["text", "split"])
            yield from table.filter(WITH_TEXT.rows(table))["text"].to_pylist()


def rejected(store: Store, sources: Sequence[str]) -> Counter[str]:
    """Why items of these sources were rejected before anything could learn from them, and how many."""
    folders = (f"rejects/{stage}/{source}" for stage in BEFORE_LEARNING for source in sources)
    tables = (read_table(store, name, ["reason"]) for folder in folders for name in store.names(folder, ".parquet"))
    return Counter(chain.from_iterable(table["reason"].to_pylist() for table in tables))


def _marker(token: TokenEntry) -> Entry:
    return Entry(name=token.marker, literal=token.literal, at=token.at, modality=token.modality)
