"""CosyVoice's tokenizer: which file its child process loads, and which failures are rejects."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weft.outside import backend
from weft.outside.process import OutsideFault
from weft.schemas.ledger import Unusable
from weft.tokenizers import s3
from weft.tokenizers.models.folder import settings_of
from weft.tokenizers.s3 import Tokenizer
from weft.tokenizers.stream import Speech, Stream

CLIPS = [Speech(np.full(16_000 * n, 0.1, np.float32)) for n in (1, 2)]


class Child:
    """Gives a code a frame; refuses or fails where it is asked of two seconds."""

    def __init__(self, python: str, script: str, settings: dict[str, Any], seconds: float) -> None:
        self.settings = settings

    def ask(self, question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        if any(length > 16_000 for length in question["lengths"]):
            raise self.settings["fault"]
        return {"codes": [[7] * (length // 640) for length in question["lengths"]]}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    children: list[Child] = []

    def outside(**settings: Any) -> Child:
        children.append(Child(**settings))
        return children[-1]

    monkeypatch.setattr(backend, "Outside", outside)
    monkeypatch.setattr(backend, "installed", lambda python, package: "0.2")
    return children


def model_of(children: list[Child], model: str) -> str:
    Tokenizer(model=model).load(Path())
    return children[-1].settings["model"]


def test_a_name_on_the_hub_is_a_copy_of_its_files(
    started: list[Child], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "located", lambda name, files: {"hf://org/codes": tmp_path}[name])
    assert model_of(started, "hf://org/codes") == str(tmp_path)
    (tmp_path / "speech_tokenizer_v2.onnx").write_bytes(b"a model")
    assert model_of(started, "hf://org/codes") == str(tmp_path / "speech_tokenizer_v2.onnx")


def test_a_path_that_is_missing_is_no_download(started: list[Child], tmp_path: Path) -> None:
    for name in ("org/codes", str(tmp_path / "gone.onnx"), "hf://codes"):
        with pytest.raises(ValueError, match=r"no such file or folder|is written hf://org/name"):
            model_of(started, name)
    assert not started
    (tmp_path / "a.onnx").write_bytes(b"a model")
    assert model_of(started, str(tmp_path / "a.onnx")) == str(tmp_path / "a.onnx")
    assert model_of(started, "") == ""


def test_its_folder_holds_only_settings(started: list[Child], tmp_path: Path) -> None:
    Tokenizer(batch=60).train([], tmp_path / "s3", seed=1)
    assert [file.name for file in (tmp_path / "s3").iterdir()] == ["config.json"]
    assert settings_of(tmp_path / "s3")["batch"] == 60


def test_only_what_the_child_calls_unusable_is_a_reject(started: list[Child]) -> None:
    tokenizer = Tokenizer()
    tokenizer.load(Path())
    started[-1].settings["fault"] = Unusable("too_long", "two seconds")
    first, second = tokenizer.encode_all(CLIPS)
    assert isinstance(first, Stream) and isinstance(second, Unusable) and second.reason == "too_long"
    started[-1].settings["fault"] = OutsideFault("RuntimeError: out of memory")
    with pytest.raises(OutsideFault, match="out of memory"):
        list(tokenizer.encode_all(CLIPS))
