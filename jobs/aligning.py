"""`weft align`: files in, timing files out; a corpus that stops at the alignment lies beside them and makes it resumable.

aligned/a/clip.TextGrid …   a timing file for each recording, under its own path
aligned/rejects.jsonl       what could not be aligned, and why
aligned/.corpus/            parts, ledger and rejects, as any corpus has them
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, count, groupby
from pathlib import Path
from typing import Any

from weft.jobs.commands import build_corpus, console
from weft.jobs.printing import escape
from weft.jobs.show import show_lost
from weft.pipelines.audio.decoders import ENDINGS as AUDIO_ENDINGS
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.tables import read_part
from weft.pipelines.sources.common.detect import detect
from weft.pipelines.storage.store import Store
from weft.pipelines.timings.base import Timing
from weft.pipelines.timings.formats import ENDINGS, WRITERS
from weft.schemas.audio import Alignment, Recording, Supervision, Utterance
from weft.schemas.faults import RecipeError
from weft.schemas.fingerprint import hash64
from weft.schemas.ledger import Reject

CORPUS = ".corpus"
LONGEST = 1e9  # seconds of a recording with one transcript: any


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for: `source` are settings of every source, `formats` at least one."""

    paths: tuple[str, ...]
    source: dict[str, Any]
    formats: tuple[str, ...]
    out: Path


def recipe_of(wanted: Wanted) -> dict[str, Any]:
    """A recipe without tasks."""
    whole = {"use": "silero", "longest": LONGEST, "merged": 27.0}  # a transcript is of its whole recording
    return {
        "name": "align",
        "part_size": 100,
        "segment": whole,
        "sources": sources_of(wanted.paths, wanted.source),
    }


def sources_of(paths: Sequence[str], settings: dict[str, Any]) -> dict[str, Any]:
    """Plain audio files make one source; whatever else is given is a source of its own."""
    chosen = [detect(path) for path in paths]
    single = tuple(c["path"] for c in chosen if c["use"] == "folder" and not Path(c["path"]).is_dir())
    rest = [c for c in chosen if c["path"] not in single]
    if single:
        rest.append({"use": "folder", "path": single[0] if len(single) == 1 else list(single)})
    return {f"s{n}": {**c, **settings} for n, c in enumerate(rest)}


def run_align(pipeline: Pipeline, wanted: Wanted, engine: str, address: str | None, workers: int | None) -> int:
    """Aligns, writes and sums up; returns the number of utterances aligned."""
    for name in wanted.formats:
        if name not in WRITERS:
            raise RecipeError(f"--format {name}: it is {', '.join(WRITERS)}")
    wanted.out.mkdir(parents=True, exist_ok=True)
    corpus = str(wanted.out / CORPUS)
    build_corpus(pipeline, corpus, engine, address, workers)
    store = Store(corpus)
    done, taken = Counter[str](), set[int]()
    for source in pipeline.sources:
        for timing, path in timings(store, source, pipeline.utterances(source)):
            done["recordings"] += 1
            done["utterances"] += len(timing.supervisions)
            done["words"] += len(timing.words())
            _write(wanted, timing, _base(wanted.out, _shown(pipeline, source, path), taken))
    rejects = list(write_rejects(store, wanted.out / "rejects.jsonl"))
    _show(done, rejects, wanted)
    return done["utterances"]


def timings(store: Store, source: str, spoken_in: str) -> Iterator[tuple[Timing, str]]:
    """Each recording's timing and path, a part at a time; `spoken_in` is the node of the utterances."""
    for name in store.names(f"align/{source}", ".parquet"):
        part = name.rpartition("/")[2]
        aligned = {a.key: a for a in read_part(store, name, Alignment)}
        facts = {r.key: r for r in read_part(store, f"ingest/{source}/{part}", Recording)}
        utterances = (u for u in read_part(store, f"{spoken_in}/{part}", Utterance) if u.key in aligned)
        for key, spoken in groupby(utterances, key=lambda u: u.recording):
            said = tuple(_said(u, aligned[u.key]) for u in spoken)
            yield Timing(facts[key].seconds, said), facts[key].path


def _said(utterance: Utterance, alignment: Alignment) -> Supervision:
    return Supervision(
        utterance.start, utterance.end, utterance.text or " ".join(w.text for w in alignment.words), alignment.words,
        alignment.phones, utterance.speaker, utterance.language,
    )  # fmt: skip


def _shown(pipeline: Pipeline, source: str, path: str) -> str:
    """A path below the output folder: never above it, and under its source's name where there are several."""
    parts = [part for part in path.replace("://", "/").split("/") if part not in ("", ".", "..")]
    return "/".join([source, *parts] if len(pipeline.sources) > 1 else parts)


def _base(out: Path, path: str, taken: set[int]) -> Path:
    """Where a recording's files go, without an ending of their own; two that differ in theirs alone keep them."""
    stem, dot, ending = path.rpartition(".")
    is_audio = dot and stem and f".{ending}".lower() in AUDIO_ENDINGS
    names = chain([stem if is_audio else path, path], (f"{path}-{n}" for n in count(2)))
    free = next(name for name in names if hash64(name) not in taken)
    taken.add(hash64(free))
    return out / free


def _write(wanted: Wanted, timing: Timing, base: Path) -> None:
    base.parent.mkdir(parents=True, exist_ok=True)
    for name in wanted.formats:
        target = base.with_name(base.name + ENDINGS[name])
        scratch = target.with_name(target.name + ".part")
        scratch.write_bytes(WRITERS[name](timing, base.name))
        scratch.replace(target)


def write_rejects(store: Store, path: Path) -> Iterator[Reject]:
    """Every reject, as it is written to `path`."""
    with open(path, "w", encoding="utf-8") as file:
        for name in store.names("rejects", ".parquet"):
            for reject in read_part(store, name, Reject):
                file.write(
                    json.dumps(asdict(replace(reject, seconds=round(reject.seconds, 6))), ensure_ascii=False) + "\n"
                )
                yield reject


def _show(done: Counter[str], rejects: Sequence[Reject], wanted: Wanted) -> None:
    show_lost(console, "Not aligned", rejects)
    counts = ", ".join(f"{done[what]:,} {what}" for what in ("recordings", "utterances", "words"))
    console.print(f"{escape(str(wanted.out))}: {counts} aligned; rejects.jsonl has what was not", highlight=False)
