"""The other kinds of work beside a stage's parts: models trained on the corpus, plans, tars and indexes.

Each says what it `makes` and `needs` (names in the corpus), can tell whether it is `done`, and can `run`. What it was
made from is in its fingerprint, so a piece of work is done exactly when nothing that it depends on has changed.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from weft.pipelines import plan, shards
from weft.pipelines.parts import part_name, read_table, stamp_of
from weft.pipelines.partwork import content_of, model_mark
from weft.pipelines.sound import load
from weft.pipelines.stage import Resources
from weft.pipelines.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.fingerprint import digest, hash64
from weft.schemas.plan import Block
from weft.schemas.shard import Shard
from weft.schemas.table import arrow_schema, from_table
from weft.schemas.training import TrainingStage
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.text import TextTokenizer


class Work(Protocol):
    """Anything that the scheduler can have done."""

    @property
    def node(self) -> str: ...
    @property
    def makes(self) -> str: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def resources(self) -> Resources: ...
    def done(self, store: Store) -> bool: ...


@dataclass(frozen=True)
class TokenizerWork:
    """Trains a speech tokenizer on utterances picked by their keys, or copies in the checkpoint it names."""

    name: str
    tokenizer: SpeechTokenizer
    needs: tuple[str, ...]
    seed: int
    resources: Resources = Resources(cpus=2)

    @property
    def node(self) -> str:
        return f"models/{self.name}"

    @property
    def makes(self) -> str:
        return model_mark(self.node)

    def fingerprint(self, store: Store) -> str:
        picked = [(u.key, u.sha256, u.start, u.end) for u in self._picked(store)]
        return digest(["tokenizer-1", self.tokenizer.model_dump(mode="json"), self.seed, picked])

    def done(self, store: Store) -> bool:
        return _model_done(store, self.node, self.fingerprint(store))

    def run(self, store: Store) -> int:
        picked = self._picked(store)
        clips = [load(store, u.audio, u.start, u.end) for u in picked]
        _make_model(
            store, self.node, self.fingerprint(store), lambda folder: self.tokenizer.train(clips, folder, self.seed)
        )
        return len(clips)

    def _picked(self, store: Store) -> list[Utterance]:
        """Utterances in the order of their hashed keys, until they hold the seconds that training wants."""
        wanted = self.tokenizer.training_seconds
        if not wanted:
            return []
        columns = ["key", "start", "end"]
        tables = [(name, read_table(store, name, columns)) for name in self.needs]
        listed = [
            (hash64(self.seed, self.name, key), key, end - start, name)
            for name, table in tables
            for key, start, end in zip(*(table[c].to_pylist() for c in columns), strict=True)
        ]
        chosen: dict[str, set[str]] = {}
        for _, key, seconds, name in sorted(listed):
            if wanted <= 0:
                break
            wanted -= seconds
            chosen.setdefault(name, set()).add(key)
        found = [u for name, keys in chosen.items() for u in _utterances(store, name) if u.key in keys]
        return sorted(found, key=lambda u: hash64(self.seed, self.name, u.key))


def _utterances(store: Store, name: str) -> list[Utterance]:
    return from_table(read_table(store, name, arrow_schema(Utterance).names), Utterance)


@dataclass(frozen=True)
class VocabularyWork:
    """Trains or loads the text tokenizer and lays out the unified vocabulary."""

    text: TextTokenizer
    markers: Mapping[str, str]
    codebooks: tuple[tuple[str, str, int], ...]
    pad_to: int | None
    multiple: int
    bos: bool
    needs: tuple[str, ...]
    resources: Resources = Resources(cpus=1)

    node = "vocabulary"
    makes = model_mark("vocabulary")

    def fingerprint(self, store: Store) -> str:
        trained_on = [content_of(store, name) for name in self.needs] if self.text.trains else []
        layout = [dict(self.markers), list(self.markers), self.codebooks, self.pad_to, self.multiple, self.bos]
        return digest(["vocabulary-1", self.text.model_dump(mode="json"), layout, trained_on])

    def done(self, store: Store) -> bool:
        return _model_done(store, self.node, self.fingerprint(store))

    def run(self, store: Store) -> int:
        from weft.tokenizers.unified import save, unify

        text = self.text.train(self._texts(store))
        vocabulary = unify(text, self.markers, self.codebooks, self.pad_to, self.multiple, self.bos)
        _make_model(store, self.node, self.fingerprint(store), lambda folder: save(folder, text, vocabulary))
        return vocabulary.size

    def _texts(self, store: Store) -> Iterator[str]:
        for name in self.needs:
            yield from (text for text in read_table(store, name, ["text"])["text"].to_pylist() if text)


def _model_done(store: Store, folder: str, fingerprint: str) -> bool:
    made = f"{folder}/fingerprint"
    return store.exists(made) and store.exists(model_mark(folder)) and store.read(made).decode() == fingerprint


def _make_model(store: Store, folder: str, fingerprint: str, make: Callable[[Path], Any]) -> None:
    """Commits what `make` writes, then `model.json` with the files' checksums, then the fingerprint.

    An old fingerprint goes first: it must not speak for the new files.
    """
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        make(root)
        files = sorted(p for p in root.rglob("*") if p.is_file())
        sums = {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
        (root / "model.json").write_text(json.dumps({"files": sums}, indent=1) + "\n")
        store.remove(f"{folder}/fingerprint")
        store.put_folder(folder, root, last="model.json")
    store.write(f"{folder}/fingerprint", fingerprint.encode())


@dataclass(frozen=True)
class PlanWork:
    """Plans one training stage from the counts of its composed parts."""

    stage_name: str
    stage: TrainingStage
    blocks: tuple[Block, ...]
    shard_bytes: float
    seed: int
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return f"plan/{self.stage_name}"

    @property
    def makes(self) -> str:
        return plan.plan_names(self.stage_name)[1]

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(part_name(b.node, b.part) for b in self.blocks)

    def fingerprint(self, store: Store) -> str:
        mixture = self.stage.mixture.model_dump(mode="json")
        content = [content_of(store, name) for name in self.needs]
        return digest(["plan-1", mixture, self.stage.context, self.shard_bytes, self.seed, self.needs, content])

    def done(self, store: Store) -> bool:
        fingerprint = self.fingerprint(store)
        stamps = [stamp_of(store, name) for name in plan.plan_names(self.stage_name)]
        return all(stamp is not None and stamp.fingerprint == fingerprint for stamp in stamps)

    def run(self, store: Store) -> int:
        return plan.plan(
            store, self.stage_name, self.stage, self.blocks, self.shard_bytes, self.seed, self.fingerprint(store)
        )


@dataclass(frozen=True)
class ShardWork:
    """Writes one tar of a planned stage."""

    shard: Shard
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return f"shards/{self.shard.stage}"

    @property
    def makes(self) -> str:
        return shards.rows_name(self.shard.path)

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(part_name(b.node, b.part) for b in self.shard.blocks)

    def fingerprint(self, store: Store) -> str:
        used = [block.used for block in self.shard.blocks]
        return digest(["tar-1", [(content_of(store, name), n) for name, n in zip(self.needs, used, strict=True)]])

    def done(self, store: Store) -> bool:
        return shards.shard_done(store, self.shard, self.fingerprint(store))

    def run(self, store: Store) -> int:
        return shards.write_shard(store, self.shard, self.fingerprint(store))


@dataclass(frozen=True)
class IndexWork:
    """Writes `index.parquet` and `wids.json` of a stage whose tars stand."""

    stage_name: str
    needs: tuple[str, ...]
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return f"index/{self.stage_name}"

    @property
    def makes(self) -> str:
        return shards.index_name(self.stage_name)

    def fingerprint(self, store: Store) -> str:
        draws = stamp_of(store, plan.plan_names(self.stage_name)[0])
        assert draws is not None
        return digest(["index-1", draws.fingerprint, [content_of(store, name) for name in self.needs]])

    def done(self, store: Store) -> bool:
        stamp = stamp_of(store, self.makes)
        wids = store.exists(shards.wids_name(self.stage_name))
        return wids and stamp is not None and stamp.fingerprint == self.fingerprint(store)

    def run(self, store: Store) -> int:
        return shards.write_index(store, self.stage_name, self.fingerprint(store))
