"""All tokenizers that are trained here: repeatable and resumable training, one format of folders, and right numbers of frames."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import load_file, save_file

from weft.schemas.learning import Step, steps_to
from weft.schemas.ledger import Unusable
from weft.tokenizers import cepstra, fsq, linguistic, pitch, style
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.models.learned import write_config
from weft.tokenizers.stream import Speech, Stream
from weft.tokenizers.training import loop
from weft.tokenizers.training.recogniser import RecogniserTraining

TINY = {"steps": 6, "width": 16}
RECOGNISER = {"steps": 6, "width": 16, "heads": 2, "layers": 2, "batch_seconds": 8}
MAKERS: dict[str, Callable[[], SpeechTokenizer]] = {
    "cepstra": lambda: cepstra.Tokenizer(size=8),
    "pitch": lambda: pitch.Tokenizer(size=4, training=pitch.PitchTraining(**TINY)),
    "style": lambda: style.Tokenizer(size=4, training=style.StyleTraining(**TINY)),
    "fsq": lambda: fsq.Tokenizer(size=9, levels=(3, 3), training=RecogniserTraining(**RECOGNISER)),
    "linguistic": lambda: linguistic.Tokenizer(size=8, training=RecogniserTraining(**RECOGNISER)),
}


@pytest.fixture(scope="module", params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[], SpeechTokenizer]:
    return MAKERS[request.param]


@pytest.fixture(scope="module")
def folder(make: Callable[[], SpeechTokenizer], buzzes: list[Speech], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    make().train(buzzes, out, seed=1)
    return out


@pytest.fixture
def tokenizer(make: Callable[[], SpeechTokenizer], folder: Path) -> SpeechTokenizer:
    tokenizer = make()
    tokenizer.load(folder)
    return tokenizer


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_the_same_speech_in_any_order_makes_the_same_model(
    make: Callable[[], SpeechTokenizer], folder: Path, buzzes: list[Speech], tmp_path: Path
) -> None:
    make().train(buzzes[::-1], tmp_path, seed=1)
    assert bytes_of(tmp_path) == bytes_of(folder)


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {"cepstra"}))  # which takes no steps
def test_an_interrupted_training_is_resumed_to_the_same_model(
    name: str, buzzes: list[Speech], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 2)
    whole, half = tmp_path / "whole", tmp_path / "half"
    for folder in (whole, half):
        folder.mkdir()
    MAKERS[name]().train(buzzes, whole, seed=1)
    steps: list[Step] = []

    def interrupt(step: Step) -> None:
        steps.append(step)
        if step.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), steps_to(interrupt):
        MAKERS[name]().train(buzzes, half, seed=1)
    assert any(half.iterdir()) and bytes_of(half) != bytes_of(whole)
    with steps_to(steps.append):
        MAKERS[name]().train(buzzes, half, seed=1)
    assert [step.done for step in steps if step.phase == "training"] == [1, 2, 3, 4, 5, 6]
    assert bytes_of(half) == bytes_of(whole)


def test_every_tokenizer_is_saved_in_the_same_two_files(make: Callable[[], SpeechTokenizer], folder: Path) -> None:
    assert sorted(bytes_of(folder)) == ["config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text())
    assert config["format"] == 2 and config["settings"] == make().model_dump(mode="json") and "learned" in config


def test_a_folder_of_an_older_format_is_refused(
    make: Callable[[], SpeechTokenizer], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    for name in ("known.json", "settings.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(ValueError, match=r"is of format 1, weft now reads format 2: train it again$"):
        make().load(tmp_path)


def test_together_and_alone_are_one(tokenizer: SpeechTokenizer, buzzes: list[Speech]) -> None:
    for one, together in zip(buzzes, tokenizer.encode_all(buzzes), strict=True):
        assert isinstance(together, Stream)
        assert tokenizer.encode(one).frames.tolist() == together.frames.tolist()
        assert together.durations.sum() == tokenizer.frames(len(one.samples))


def test_frames_are_the_rate_times_the_seconds(tokenizer: SpeechTokenizer, buzzes: list[Speech]) -> None:
    long = np.concatenate([one.samples for one in buzzes])
    for n in (1600, 16_000, 16_001, 33_333, len(long)):
        stream = tokenizer.encode(Speech(long[:n]))
        assert abs(stream.durations.sum() - n / 16_000 * tokenizer.rate) < 1
        assert stream.rate == tokenizer.rate


def test_silence_and_clipping_are_encoded_and_short_clips_refused(
    tokenizer: SpeechTokenizer, buzzes: list[Speech]
) -> None:
    loud = np.clip(buzzes[0].samples * 100, -1, 1)
    for samples in (np.zeros(16_000, np.float32), loud):
        assert tokenizer.encode(Speech(samples)).durations.sum() == tokenizer.frames(len(samples))
    with pytest.raises(Unusable, match="shorter than one frame"):
        tokenizer.encode(Speech(np.zeros(400, np.float32)))


def test_refuses_a_folder_without_a_model_or_with_another(
    make: Callable[[], SpeechTokenizer], folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="no model here"):
        make().load(tmp_path)
    for name, content in bytes_of(folder).items():
        (tmp_path / name).write_bytes(content)
    wider = make()
    if isinstance(wider, cepstra.Tokenizer):
        wider = wider.model_copy(update={"size": 9})
    else:
        wider = wider.model_copy(update={"training": wider.training.model_copy(update={"width": 32})})  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="other settings"):
        wider.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ValueError, match="no model here"):
        make().load(tmp_path)
    with pytest.raises(RuntimeError, match="load"):
        make().encode(Speech(np.ones(16_000, np.float32)))


@pytest.mark.parametrize(
    ("name", "change", "setting"),
    [
        ("fsq", {"heads": 4}, "training.heads"),
        ("fsq", {"levels": (9,)}, "levels"),
        ("linguistic", {"heads": 4}, "training.heads"),
        ("cepstra", {"rate": 50.0}, "rate"),
        ("style", {"layer": 3}, "layer"),
    ],
)
def test_settings_that_change_no_shape_are_compared(
    name: str, change: dict[str, object], setting: str, buzzes: list[Speech], tmp_path: Path
) -> None:
    tokenizer = MAKERS[name]()
    tokenizer.train(buzzes, tmp_path, seed=1)
    if setting.startswith("training."):
        change = {"training": tokenizer.training.model_copy(update=change)}  # type: ignore[attr-defined]
    other = tokenizer.model_copy(update=change)
    with pytest.raises(ValueError, match=f"`{setting}` is .* it was trained with"):
        other.load(tmp_path)


@pytest.mark.parametrize("name", ["cepstra", "style", "linguistic"])
def test_refuses_centroids_that_are_not_finite(name: str, buzzes: list[Speech], tmp_path: Path) -> None:
    tokenizer = MAKERS[name]()
    tokenizer.train(buzzes, tmp_path, seed=1)
    tensors = load_file(tmp_path / "model.safetensors")
    save_file({**tensors, "centroids": tensors["centroids"] * np.float32(np.nan)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="finite"):
        MAKERS[name]().load(tmp_path)


def test_refuses_a_width_that_heads_cannot_share() -> None:
    for heads, width in ((4, 18), (4, 20), (3, 16)):
        with pytest.raises(ValidationError, match="cannot share"):
            RecogniserTraining(heads=heads, width=width)


def test_mfcc_frames_are_whole_steps() -> None:
    for rate in (33.3, 16.67, 24.99):
        with pytest.raises(ValidationError, match="not possible"):
            cepstra.Tokenizer(rate=rate)
    assert cepstra.Tokenizer(rate=50 / 3).frames(57_600_000) == 60_000


@pytest.mark.parametrize("facts", [{}, {"speakers": 3, "spread": 1}])
def test_pitch_without_the_means_of_speakers(facts: dict[str, object], buzzes: list[Speech], tmp_path: Path) -> None:
    tokenizer = MAKERS["pitch"]()
    tokenizer.train(buzzes, tmp_path, seed=1)
    write_config(tmp_path, tokenizer.model_dump(mode="json"), facts)
    with pytest.raises(ValueError, match="no `speakers` and `spread`"):
        MAKERS["pitch"]().load(tmp_path)


def test_its_checksum_is_of_its_content(
    make: Callable[[], SpeechTokenizer], tokenizer: SpeechTokenizer, buzzes: list[Speech], tmp_path: Path
) -> None:
    other = make()
    other.train(buzzes, tmp_path, seed=2)
    assert len(tokenizer.checksum) == 16 and tokenizer.checksum != other.checksum


def test_refuses_too_little_speech(make: Callable[[], SpeechTokenizer], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="clips"):
        make().train([Speech(np.zeros(100, np.float32))], tmp_path, seed=1)
