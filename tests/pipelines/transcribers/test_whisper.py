"""Whisper's part, against a stand-in for its child."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from weft.outside import backend
from weft.outside.process import OutsideFault
from weft.pipelines.transcribers.base import SpokenClip, Transcript
from weft.pipelines.transcribers.whisper import Transcriber
from weft.schemas.ledger import Unusable


class Child:
    """Writes how long each clip is; what is longer than a second it does not take."""

    fault: Exception = Unusable("too_long", "two seconds")
    models: ClassVar[list[str]] = []  # of those that were started

    def __init__(self, python: str, script: str, settings: dict[str, Any], seconds: float) -> None:
        self.models.append(settings["model"])

    def ask(self, question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        lengths = [end - start for start, end in question["spans"]]
        if max(lengths) > 1:
            raise self.fault
        return {"transcripts": [{"text": f"{n:g}", "language": "en", "confidence": 0.9} for n in lengths]}


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> type[Child]:
    monkeypatch.setattr(backend, "Outside", Child)
    monkeypatch.setattr(Child, "models", [])
    monkeypatch.setattr(backend, "installed", lambda python, package: "1.2")
    return Child


def test_only_what_the_child_calls_unusable_is_a_reject(child: type[Child], monkeypatch: pytest.MonkeyPatch) -> None:
    made = Transcriber(model="large-v3")
    made.setup()
    clips = [SpokenClip(np.zeros(16_000 * n, np.float32)) for n in (1, 2)]
    first, second = made.transcribe(clips)
    assert isinstance(first, Transcript) and isinstance(second, Unusable) and second.reason == "too_long"
    monkeypatch.setattr(child, "fault", OutsideFault("RuntimeError: out of memory"))
    with pytest.raises(OutsideFault, match="out of memory"):
        list(made.transcribe(clips))


def test_names_on_the_hub_words_and_paths(child: type[Child], tmp_path: Path) -> None:
    given = {"hf://org/whisper": "org/whisper", "large-v3": "large-v3", str(tmp_path): str(tmp_path)}
    for name in given:
        Transcriber(model=name).setup()
    assert child.models == [*given.values()]
    for gone in ("org/whisper", str(tmp_path / "gone")):
        with pytest.raises(ValueError, match="no such file or folder"):
            Transcriber(model=gone).setup()
