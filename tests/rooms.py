"""The rooms of weft: folders of one purpose, what each may import, and what each does import.

    ROOMS["audio"]                  ->  Room(paths=("pipelines/audio",), holds="…", may=("schemas", "storage"))
    room_of("pipelines/align.py")   ->  "stages"

A room may import rooms that stand above it in the table alone, so no arrow goes back. Imports inside functions and those for types
count as all others. `rooms_page.py` draws the rooms, `test_architecture.py` holds the code to the table.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOP = ("schemas", "outside", "tokenizers", "pipelines", "trainer", "jobs")


@dataclass(frozen=True)
class Room:
    """`paths`: its folders and files; a file is in the room of its longest path. `may`: the rooms that it imports."""

    paths: tuple[str, ...]
    holds: str
    may: tuple[str, ...] = ()


def _room(holds: str, paths: str, may: str = "") -> Room:
    return Room(paths=tuple(paths.split()), holds=holds, may=tuple(may.split()))


_P = "pipelines"
_STAGES = " ".join(
    f"{_P}/{name}.py"
    for name in ("__init__", "ingest", "segment", "transcribe", "assess", "align", "encode", "merge", "synthesize", "turns", "compose")
)  # fmt: skip
ROOMS = {
    "schemas": _room("what the data is: records, recipes, samples", "schemas"),
    "outside": _room("models in environments of their own, a child process each", "outside", "schemas"),
    "tokenizers": _room("speech and text tokenizers, the vocabulary", "tokenizers", "schemas outside"),
    "storage": _room("reading and writing the files of a corpus", f"{_P}/storage", "schemas"),
    "audio": _room("decoders, headers, resampling", f"{_P}/audio", "schemas storage"),
    "stage": _room("what every stage is", f"{_P}/stage.py", "schemas storage"),
    "parts": _room("running a stage on one part of the data", f"{_P}/parts", "schemas storage audio stage"),
    "timings": _room("TextGrid, CTM, RTTM and word JSON", f"{_P}/timings", "schemas"),
    "acoustic": _room("the small model that the default aligner learns", f"{_P}/acoustic", "schemas tokenizers"),
    "voices": _room("text to speech", f"{_P}/voices", "schemas outside tokenizers audio"),
    "writers": _room("scripts, written by a grammar", f"{_P}/writers", "schemas voices"),
    "encoders": _room("placeholders of latent audio", f"{_P}/encoders", "schemas tokenizers"),
    "image_encoders": _room("placeholders of images", f"{_P}/image_encoders", "schemas"),
    "latents": _room("audio and images that a model takes as latents", f"{_P}/latents.py", "encoders image_encoders"),
    "sources": _room("kinds of raw data", f"{_P}/sources", "schemas storage audio parts timings voices writers"),
    "segmenters": _room("cutting recordings", f"{_P}/segmenters", "schemas outside audio stage timings"),
    "aligners": _room("words in time", f"{_P}/aligners", "schemas outside tokenizers audio timings acoustic"),
    "transcribers": _room("speech to text", f"{_P}/transcribers", "schemas outside audio aligners"),
    "tasks": _room("a record as one sample", f"{_P}/tasks", "schemas audio encoders latents"),
    "registry": _room(
        "backends by their names",
        f"{_P}/choices/registry.py {_P}/choices/plugins.py {_P}/choices/required.py",
        "schemas",
    ),
    "models": _room(
        "training models within a build, and their folders",
        f"{_P}/models",
        "schemas tokenizers storage audio parts aligners",
    ),
    "stages": _room(
        "the stages, one file each",
        _STAGES,
        "schemas tokenizers storage audio stage parts encoders image_encoders latents sources segmenters aligners "
        "transcribers voices tasks models",
    ),
    "choices": _room(
        "the backends that a recipe chooses, made and checked against each other",
        f"{_P}/choices",
        "schemas tokenizers parts stage stages registry encoders latents sources segmenters aligners tasks",
    ),
    "graph": _room(
        "from a recipe to its work",
        f"{_P}/graph.py {_P}/nodes.py {_P}/learning.py",
        "schemas tokenizers parts stage stages models choices tasks",
    ),
    "corpus": _room(
        "a corpus as a whole: listing, its folder and lock, verification",
        f"{_P}/corpus",
        "schemas storage parts voices sources models graph",
    ),
    "mixing": _room(
        "shares, plan, tars, index, audit",
        f"{_P}/mixing",
        "schemas storage parts encoders latents models graph corpus",
    ),
    "trainer": _room("loader, packing, model, objectives, the training loop", "trainer", "schemas tokenizers"),
    "jobs": _room("the command line, and Ray", "jobs"),
}  # fmt: skip


def files() -> list[str]:
    """All files of code, relative to the root."""
    return sorted(path.relative_to(ROOT).as_posix() for top in TOP for path in (ROOT / top).rglob("*.py"))


def room_of(file: str) -> str:
    """The room whose path is the longest one that holds the file. Raises KeyError for a file that has none."""
    homes = [(len(path), name) for name, room in ROOMS.items() for path in room.paths if _is_in(file, path)]
    if not homes:
        raise KeyError(f"{file} is in no room: name it in tests/rooms.py")
    return max(homes)[1]


def _is_in(file: str, path: str) -> bool:
    return file == path or file.startswith(f"{path}/")


def imports(code: str) -> Iterator[str]:
    """weft's files that code imports anywhere in it, relative to the root."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from filter(None, (_file(alias.name) for alias in node.names))
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "weft imports by whole names"
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from filter(None, (_file(name) or _file(node.module or "") for name in names))


def _file(module: str) -> str | None:
    """The file of a module of weft's rooms; None for a name that is no such module."""
    top, _, inner = module.partition(".")
    path = inner.replace(".", "/")
    if top != "weft" or path.partition("/")[0] not in TOP:
        return None
    return next((file for file in (f"{path}.py", f"{path}/__init__.py") if (ROOT / file).is_file()), None)


@cache
def imports_of(file: str) -> frozenset[str]:
    """What one of `files` imports."""
    found = imports((ROOT / file).read_text("utf-8"))
    return frozenset(to for to in found if to != file)


def against_the_table(file: str, imported: Iterable[str]) -> list[str]:
    """Those of the files that `file` imports which its room may not."""
    room = room_of(file)
    allowed = {room, *ROOMS[room].may}
    return [] if room == "jobs" else sorted(to for to in imported if room_of(to) not in allowed)


def arrows() -> set[tuple[str, str]]:
    """Which room imports which."""
    found = ((room_of(file), room_of(to)) for file in files() for to in imports_of(file))
    return {(room, to) for room, to in found if room != to}
