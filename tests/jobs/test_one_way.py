"""The way of one utterance goes one way: no file of weft that is at work is called back by what it called.

stage  ->  what is done around every backend of its kind  ->  the backend          and never backend -> stage
"""

import inspect
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
import yaml

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.audio.sound import flac
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice

ROOT = Path(__file__).parents[2]
STAGES = {"ingest", "segment", "align", "encode", "compose", "order", "plan", "shards", "index"}
TEXT = "nobody ordered the bottle from the kitchen but the guest shared it with the others at the table"
STAGE = {
    "mixture": {"unit": "samples", "total": 2, "shares": {"words": 1}, "passes": 2, "exhausted": "repeat"},
    "context": 256,
    "model": {"config": {"model_type": "llama"}},
    "optimiser": {"lr": 0.001, "batch_tokens": 256},
}
RECIPE = {
    "name": "one",
    "align": {"use": "sphinx"},
    "tokenizers": {"units": {"use": "cepstra", "size": 8}},
    "text": {"use": "bpe", "size": 300},
    "tasks": {"words": {"use": "words", "sources": ["speech"], "stream": "units"}},
    "training": {"pre": STAGE},
}


class Watch:
    """Follows the calls between files of weft within pieces of work: a trace function of `sys.settrace`."""

    def __init__(self) -> None:
        self.entered: dict[str, set[str]] = {}  # files by stage
        self.back: set[str] = set()
        self._at_work: list[tuple[str, str]] = []  # file and stage of each call

    def __call__(self, frame: FrameType, event: str, _: Any) -> Callable[..., None] | None:
        if not (file := _file(frame.f_code)):
            return None
        self._enter(frame, file)
        frame.f_trace_lines = False
        return self._leave

    def _leave(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "return":
            self._at_work.pop()

    def _enter(self, frame: FrameType, file: str) -> None:
        stage = self._at_work[-1][1] if self._at_work else ""
        if frame.f_code.co_name == "run" and hasattr(work := frame.f_locals.get("self"), "node"):
            stage = str(work.node).partition("/")[0]
        if stage in STAGES:
            self.entered.setdefault(stage, set()).add(file)
            files = [one for one, of in self._at_work if of == stage]
            if file in files and file != files[-1] and not _is_handed_on(frame):
                self.back.add(f"{stage}: {files[-1]} calls {frame.f_code.co_qualname} of {file}")
        self._at_work.append((file, stage))


@cache
def _file(code: CodeType) -> str:
    """Relative to the root; "" for code that is not weft's, and for the body of a module, a lambda or a comprehension."""
    path = code.co_filename
    is_own = path.startswith(f"{ROOT}/") and not path.startswith(f"{ROOT}/tests/") and "/.venv/" not in path
    return path[len(str(ROOT)) + 1 :] if is_own and "<" not in code.co_qualname else ""


def _is_handed_on(frame: FrameType) -> bool:
    """Whether what is entered is an iterator or a callback that its own file handed on, which whoever has it runs."""
    caller = frame.f_back
    is_callback = caller is not None and "<" in caller.f_code.co_name
    return bool(frame.f_code.co_flags & inspect.CO_GENERATOR) or is_callback


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    root = tmp_path_factory.mktemp("one")
    spoken = Voice().speak(TEXT, Style("gmw/en-US", "f2"))
    (root / "raw").mkdir()
    (root / "raw" / "a.flac").write_bytes(flac(spoken.samples, spoken.rate))
    (root / "raw" / "a.txt").write_text(TEXT)
    sources = {"speech": {"use": "folder", "path": str(root / "raw")}}
    (root / "recipe.yaml").write_text(yaml.safe_dump({**RECIPE, "sources": sources}))
    pipeline, store = read_pipeline(str(root / "recipe.yaml")), Store(str(root / "corpus"))
    watch = Watch()
    before = sys.gettrace()
    sys.settrace(watch)
    try:
        build(pipeline, store, LocalEngine(store), report=lambda event: None, expect=lambda works: None)
    finally:
        sys.settrace(before)
    return watch


def test_every_stage_is_followed(watch: Watch) -> None:
    assert watch.entered.keys() == STAGES
    assert {f"pipelines/{stage}.py" for stage in ("ingest", "segment", "align", "encode", "compose")} <= {
        file for files in watch.entered.values() for file in files
    }


def test_nothing_is_called_back(watch: Watch) -> None:
    assert not watch.back, "\n".join(sorted(watch.back))


def _page() -> dict[str, set[str]]:
    """The files that docs/how-it-works.md names, by the headings of the stages, in their order."""
    _, *sections = (ROOT / "docs" / "how-it-works.md").read_text("utf-8").split("\n## ")
    by_stage = ((section.partition("\n")[0].lower(), section) for section in sections)
    return {stage: set(re.findall(r"`((?:\w+/)+\w+\.py)`", text)) for stage, text in by_stage if stage in STAGES}


def test_the_page_of_the_way_names_files_that_are_entered_there(watch: Watch) -> None:
    page = _page()
    assert page.keys() == STAGES
    assert not {stage: named - watch.entered[stage] for stage, named in page.items() if named - watch.entered[stage]}


def test_the_page_has_the_order_of_the_work(watch: Watch) -> None:
    """Alignment and encoding need the utterance and not each other, so either may come first."""
    either = {"align", "encode"}
    assert [stage for stage in _page() if stage not in either] == [one for one in watch.entered if one not in either]
