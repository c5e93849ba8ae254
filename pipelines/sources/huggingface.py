"""Hugging Face datasets with an audio column, from a folder or the hub; audio is never decoded by `datasets`.

    {use: huggingface, path: hf://openslr/librispeech_asr, config: clean, split: train.100}

A dataset is listed shard by shard (rows, for one that `save_to_disk` wrote). Audio that lies in a file of its own is
read there; audio inside the dataset's tables is packed beside the part.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, field_validator

from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.sources.base import folder_of, place_in, refused
from weft.pipelines.sources.common.files import clean, stamp, walk
from weft.pipelines.sources.common.named_texts import FIELDS, NAMES
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.sources.common.wrong_run import WrongRun
from weft.pipelines.sources.tars import from_fields
from weft.pipelines.storage.paths import absolute
from weft.pipelines.storage.retries import read_with_retries
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Recording
from weft.schemas.fields import WrongField
from weft.schemas.fingerprint import digest
from weft.schemas.hub import commit_of, is_hub_name, loadable
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unavailable, Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT


class Source(SpeechSource):
    """`path` is a dataset on the hub, hf://org/name (at `revision`), a folder that `datasets` reads, or a Parquet file.

    `audio` and `text` name the columns; empty, they are detected: the first column of audio, and text, sentence,
    transcription or transcript. `config` is the dataset's configuration. `split` is the one to load, by the dataset's
    name (train.100). A column `split` is used instead of the name of the row's split. Of a dataset that `save_to_disk` wrote, `rows`
    are an item: a part holds at least one item, and has its audio in memory.
    """

    path: Annotated[str, NOT_IN_FINGERPRINT]
    config: str = ""
    revision: str = ""
    audio: str = ""
    text: str = ""
    rows: int = Field(default=500, ge=1, le=1_000_000)

    def size_of(self, item: Item) -> float:
        return self.rows

    @field_validator("split")
    @classmethod
    def _known_split(cls, split: str) -> str:
        return split  # the listing checks it against the dataset's splits

    @property
    def unnamed_split(self) -> str:
        return ""  # every row lies in a split

    @property
    def names_splits(self) -> bool:
        return True

    def named(self, item: Item, splits: Splits) -> Sequence[HoldOutNames] | None:
        if splits.hold_out is None or splits.holds_out("items"):
            return [HoldOutNames(items=(item.key,), split=json.loads(item.payload)["split"])]
        return None

    def location(self) -> str:
        return folder_of(self.path) if os.path.exists(self.path) else ""

    def items(self, name: str) -> Iterator[Item]:
        mark = self._commit() if is_hub_name(self.path) else _stamp(self.path)
        for split, data in self._splits():
            rows = len(data) if hasattr(data, "__len__") else 0
            pieces = range(0, rows, self.rows) if rows else range(data.num_shards)
            for piece in pieces:
                path = f"{split}/{piece:05d}"
                where = (
                    {"split": split, "begin": piece, "end": min(piece + self.rows, rows)}
                    if rows
                    else {"split": split, "shard": piece}
                )
                yield Item(
                    key=key_for(name, path), source=name, path=path, uri="", stamp=mark, payload=json.dumps(where)
                )

    def _commit(self) -> str:
        """The dataset's latest commit on the hub, so that a changed dataset is read again. Raises OSError where it is unknown."""
        try:
            return commit_of(self.path, self.revision or "main", "dataset", fresh=True)
        except ValueError as fault:
            raise OSError(str(fault)) from None

    def _splits(self) -> list[tuple[str, Any]]:
        """Each split by name. Raises OSError, with the reason, for what `datasets` cannot read and for a path that is not there."""
        import datasets

        try:
            path = loadable(self.path)
            if os.path.isfile(os.path.join(self.path, "state.json")) or os.path.isfile(
                f"{self.path}/dataset_dict.json"
            ):
                loaded: Any = datasets.load_from_disk(self.path)
            elif self.path.endswith(".parquet"):
                loaded = datasets.load_dataset("parquet", data_files=self.path, streaming=True)
            else:
                loaded = datasets.load_dataset(
                    path, self.config or None, revision=self.revision or None, streaming=True
                )
        except (ValueError, FileNotFoundError, ConnectionError, datasets.exceptions.DatasetsError) as error:
            raise OSError(f"{self.path}: {str(error).removeprefix(f'{self.path}: ').splitlines()[0]}") from None
        splits = dict(loaded) if isinstance(loaded, dict) else {str(loaded.split or "train"): loaded}
        if self.split and self.split not in splits:
            raise OSError(f"{self.path}: there is no split {self.split!r}; there are {', '.join(splits)}")
        return [(name, data) for name, data in splits.items() if self.split in ("", name)]

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        """Raises Unusable."""
        where = json.loads(item.payload)
        data = dict(read_with_retries(self._splits, self.path))[where["split"]]
        column = self._audio_column(data)
        rows = (
            data.select(range(where["begin"], where["end"]))
            if "begin" in where
            else data.shard(data.num_shards, where["shard"])
        )
        wrong = WrongRun(item.path, self.limits.faults_in_a_row)
        for number, row in enumerate(self._rows(rows, column)):
            is_usable = False
            path = f"{where['split']}/{_name(row, column) or item.path.rpartition('/')[2] + '-' + str(number)}"
            try:
                labels, audio = self._labels(row, where["split"]), _audio(row[column])
                is_usable = True
                for record in self.recordings(item, store, audio, labels, within=f"{number:05d}"):
                    yield self._placed(record.at(path), row[column]) if isinstance(record, Recording) else record
            except Unusable as fault:
                yield refused(item, fault, path)
            if wrong.is_over(is_usable):
                yield refused(item, wrong.fault)
                return

    def _rows(self, rows: Any, column: str) -> Iterator[dict[str, Any]]:
        """With audio as it lies. Raises Unusable for tables that are broken, Unavailable where the disk or the hub does not answer."""
        import datasets

        if isinstance((rows.features or {}).get(column), datasets.Audio):
            rows = rows.cast_column(column, datasets.Audio(decode=False))
        try:
            yield from rows
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            if isinstance(error, OSError) and (error.errno is not None or is_hub_name(self.path)):
                raise Unavailable(self.path, reason) from None
            raise Unusable("broken_dataset", reason) from None

    def _placed(self, record: Recording, column: Any) -> Recording:
        """With the place of its audio in the source; a column of plain paths says itself where they lie."""
        uri = (
            record.audio.uri if isinstance(column, str) else place_in(record.source, self.location(), record.audio.uri)
        )
        return replace(record, audio=replace(record.audio, uri=uri))

    def _audio_column(self, data: Any) -> str:
        import datasets

        features = data.features or {}
        columns = [name for name, kind in features.items() if isinstance(kind, datasets.Audio)] or [
            name for name in ("audio", "file", "path") if name in features
        ]
        if self.audio or columns:
            return self.audio or columns[0]
        raise Unusable("no_audio", f"no column of it is audio; it has {', '.join(features) or 'no columns'}")

    def _labels(self, row: dict[str, Any], split: str) -> Labels:
        """Raises Unusable."""
        # a table of digits makes numbers of texts, and an empty cell a NaN, which is not itself
        plain = {
            name: str(value) for name, value in row.items() if isinstance(value, str | int | float) and value == value
        }
        if self.text:
            plain["text"] = plain.get(self.text, "")
        elif "normalized_text" in plain:
            plain.setdefault("text", plain["normalized_text"])
        named = {name: value for name, value in row.items() if name in (*NAMES, FIELDS) and name not in plain}
        own = {**_present(named), **plain, "split": clean(str(row.get("split") or "")) or split}
        try:
            return from_fields(own, Labels())
        except WrongField as fault:
            raise Unusable("bad_row", str(fault)) from None


def _present(named: dict[str, Any]) -> dict[str, Any]:
    """Without cells that are a NaN, and without what an object of other rows has and this one lacks."""
    cells = {name: value for name, value in named.items() if value == value}
    inside = cells.get(FIELDS)
    if isinstance(inside, dict):
        cells[FIELDS] = {name: value for name, value in inside.items() if value is not None}
    return cells


def _name(row: dict[str, Any], column: str) -> str:
    """What the row is called: its id, or its file's name."""
    held = row[column]
    path = held.get("path") if isinstance(held, dict) else held
    return clean(str(row.get("id") or row.get("utterance_id") or path or "")).rpartition("/")[2]


def _audio(value: Any) -> Audio:
    """Bytes, or a path. Raises Unusable."""
    path = value.get("path") if isinstance(value, dict) else value
    data = value.get("bytes") if isinstance(value, dict) else None
    if data:
        return Audio("", data=data)
    if not isinstance(path, str) or not path:
        raise Unusable("no_audio", "the row holds neither bytes nor a path")
    return Audio(path if "://" in path else absolute(path))


def _stamp(path: str) -> str:
    return digest([(f.path, f.stamp) for f in walk(path)] if os.path.isdir(path) else clean(stamp(path)))
