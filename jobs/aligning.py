"""`weft align`: audio and transcripts in, timing files out. The work is kept in a corpus beside them, so that it can be resumed.

aligned/a/clip.TextGrid …   a timing file for each recording, under its own path
aligned/rejects.jsonl       what could not be aligned, and why
aligned/.corpus/            a corpus whose last stage is alignment
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, count, groupby
from pathlib import Path
from typing import Any

from weft.jobs.building import build_corpus
from weft.jobs.commands import console
from weft.jobs.printing import escape
from weft.jobs.show import show_lost
from weft.pipelines.audio.decoders import ENDINGS as AUDIO_ENDINGS
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.tables import read_part
from weft.pipelines.sources.common.detect import detect
from weft.pipelines.storage.store import Store
from weft.pipelines.timings.base import Timing
from weft.pipelines.timings.formats import ENDINGS, WRITERS
from weft.schemas.audio import Alignment, Recording, Supervision, Utterance, text_of
from weft.schemas.faults import RecipeError
from weft.schemas.fingerprint import hash64
from weft.schemas.ledger import Reject

CORPUS = ".corpus"
LONGEST = 1e9  # seconds of a recording with one transcript: no limit


@dataclass(frozen=True, slots=True)
class AlignRequest:
    """The command line: `source` are settings of every source, `formats` at least one."""

    paths: tuple[str, ...]
    source: dict[str, Any]
    formats: tuple[str, ...]
    out: Path


def recipe_of(request: AlignRequest) -> dict[str, Any]:
    """A recipe without tasks."""
    return {
        "name": "align",
        "part_size": 100,
        "segment": {"use": "silero", "longest": LONGEST},  # one transcript belongs to the whole recording
        "sources": sources_of(request.paths, request.source),
    }


def sources_of(paths: Sequence[str], settings: dict[str, Any]) -> dict[str, Any]:
    """The sources of a recipe: all single audio files are one source; each other path is a source of its own."""
    detected = [detect(path) for path in paths]
    single = tuple(c["path"] for c in detected if c["use"] == "folder" and not Path(c["path"]).is_dir())
    rest = [c for c in detected if c["path"] not in single]
    if single:
        rest.append({"use": "folder", "path": single[0] if len(single) == 1 else list(single)})
    return {f"s{n}": {**c, **settings} for n, c in enumerate(rest)}


def run_align(pipeline: Pipeline, request: AlignRequest, engine: str, address: str | None, workers: int | None) -> int:
    """Aligns, writes the timing files and prints counts; returns the number of aligned utterances. Raises RecipeError."""
    for name in request.formats:
        if name not in WRITERS:
            raise RecipeError(f"--format {name}: unknown format; known: {', '.join(WRITERS)}")
    request.out.mkdir(parents=True, exist_ok=True)
    corpus = str(request.out / CORPUS)
    build_corpus(pipeline, corpus, engine, address=address, workers=workers)
    store = Store(corpus)
    counts, used_names = Counter[str](), set[int]()
    for source in pipeline.sources:
        for timing, path in timings(store, source, pipeline.utterances(source)):
            counts["recordings"] += 1
            counts["utterances"] += len(timing.supervisions)
            counts["words"] += len(timing.words())
            _write(request, timing, _base(request.out, _relative_path(pipeline, source, path), used_names))
    rejects = list(write_rejects(store, request.out / "rejects.jsonl"))
    _show_summary(counts, rejects, request)
    return counts["utterances"]


def timings(store: Store, source: str, utterance_node: str) -> Iterator[tuple[Timing, str]]:
    """The timing and the path of each recording, a part at a time. `utterance_node` is the node that holds the utterances."""
    for name in store.names(f"align/{source}", ".parquet"):
        part = name.rpartition("/")[2]
        aligned = {a.key: a for a in read_part(store, name, Alignment)}
        recordings = {r.key: r for r in read_part(store, f"ingest/{source}/{part}", Recording)}
        utterances = (u for u in read_part(store, f"{utterance_node}/{part}", Utterance) if u.key in aligned)
        for key, group in groupby(utterances, key=lambda u: u.recording):
            supervisions = tuple(_supervision(u, aligned[u.key]) for u in group)
            yield Timing(recordings[key].seconds, supervisions), recordings[key].path


def _supervision(utterance: Utterance, alignment: Alignment) -> Supervision:
    return Supervision(
        start=utterance.start,
        end=utterance.end,
        text=utterance.text or text_of(alignment.words),
        words=alignment.words,
        phones=alignment.phones,
        speaker=utterance.speaker,
        language=utterance.language,
    )


def _relative_path(pipeline: Pipeline, source: str, path: str) -> str:
    """A recording's path below the output folder, without `..`. With several sources, their names are the first folders."""
    parts = [part for part in path.replace("://", "/").split("/") if part not in ("", ".", "..")]
    return "/".join([source, *parts] if len(pipeline.sources) > 1 else parts)


def _base(out: Path, path: str, used_names: set[int]) -> Path:
    """The path of a recording's files without their ending. Two recordings that differ only in their ending keep it."""
    stem, dot, ending = path.rpartition(".")
    is_audio = dot and stem and f".{ending}".lower() in AUDIO_ENDINGS
    names = chain([stem if is_audio else path, path], (f"{path}-{n}" for n in count(2)))
    free = next(name for name in names if hash64(name) not in used_names)
    used_names.add(hash64(free))
    return out / free


def _write(request: AlignRequest, timing: Timing, base: Path) -> None:
    base.parent.mkdir(parents=True, exist_ok=True)
    for name in request.formats:
        target = base.with_name(base.name + ENDINGS[name])
        scratch = target.with_name(target.name + ".part")
        scratch.write_bytes(WRITERS[name](timing, base.name))
        scratch.replace(target)


def write_rejects(store: Store, path: Path) -> Iterator[Reject]:
    """Writes every reject to `path` as JSON lines, and yields it."""
    with open(path, "w", encoding="utf-8") as file:
        for name in store.names("rejects", ".parquet"):
            for reject in read_part(store, name, Reject):
                file.write(
                    json.dumps(asdict(replace(reject, seconds=round(reject.seconds, 6))), ensure_ascii=False) + "\n"
                )
                yield reject


def _show_summary(counts: Counter[str], rejects: Sequence[Reject], request: AlignRequest) -> None:
    show_lost(console, "Not aligned", rejects)
    listed = ", ".join(f"{counts[kind]:,} {kind}" for kind in ("recordings", "utterances", "words"))
    console.print(f"{escape(str(request.out))}: {listed} aligned; rejects.jsonl lists what was not", highlight=False)
