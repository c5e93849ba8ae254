"""Trained tokenizers' folders: here, in the hub's cache, or nowhere; and the settings they were trained with."""

import json
from pathlib import Path

import huggingface_hub.constants as hub
import pytest

from weft.tokenizers.cepstra import Tokenizer
from weft.tokenizers.hubert import Tokenizer as Hubert
from weft.tokenizers.models.folder import absolute, check_settings, forget_speakers, located, settings_of
from weft.tokenizers.style import Tokenizer as Style


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, with `org/pitch-64` in it and no network."""
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    kept = tmp_path / "cache" / "models--org--pitch-64"
    files = kept / "snapshots" / ("0" * 40)
    files.mkdir(parents=True)
    (files / "card.json").write_text("{}")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("0" * 40)
    return files


def test_a_name_on_the_hub(cache: Path) -> None:
    assert located("hf://org/pitch-64").resolve() == cache.resolve()


def test_a_folder_is_itself(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "pitch-64").mkdir(parents=True)
    for name in ("org/pitch-64", str(tmp_path / "gone"), "gone", "a/b/c", "../gone"):
        assert located(name) == Path(name)


def test_a_name_of_nothing(cache: Path) -> None:
    with pytest.raises(ValueError, match="org/gone: no trained tokenizer here, nor on the hub"):
        located("hf://org/gone")


def test_names_that_are_the_same_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "pitch-64").mkdir(parents=True)
    found = [absolute(name) for name in ("org/pitch-64", str(tmp_path / "org"), "org/gone", "")]
    assert found == [str(tmp_path / "org" / "pitch-64"), str(tmp_path / "org"), "org/gone", ""]


def test_a_checkpoint_is_the_same_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mhubert").mkdir()
    (tmp_path / "km.npy").touch()
    assert Hubert(model="mhubert", codebook="km.npy").made_from == (str(tmp_path / "mhubert"), str(tmp_path / "km.npy"))
    assert Style(model="mhubert").made_from == (str(tmp_path / "mhubert"),)
    assert Hubert(model="hf://org/mhubert").model == "hf://org/mhubert"


def test_settings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no trained tokenizer here"):
        settings_of(tmp_path)
    (tmp_path / "settings.json").write_text(Tokenizer(size=8).model_dump_json())
    assert settings_of(tmp_path)["size"] == 8
    check_settings(tmp_path, Tokenizer(size=8), "size", "seconds")
    with pytest.raises(ValueError, match="`size` is 9, it was trained with 8"):
        check_settings(tmp_path, Tokenizer(size=9), "seconds", "size")
    (tmp_path / "settings.json").write_text("[]")
    with pytest.raises(ValueError, match="holds no settings"):
        settings_of(tmp_path)


@pytest.mark.parametrize("known", [None, {}, {"speakers": {}}, {"letters": "ab"}])
def test_nobody_to_forget(known: dict[str, object] | None, tmp_path: Path) -> None:
    if known is not None:
        (tmp_path / "known.json").write_text(json.dumps(known))
    forget_speakers(tmp_path)
    assert (known is None) != (tmp_path / "known.json").exists()
    assert known is None or json.loads((tmp_path / "known.json").read_text()) == known


def test_what_is_broken_is_left_for_loading_to_tell(tmp_path: Path) -> None:
    (tmp_path / "known.json").write_text("{")
    forget_speakers(tmp_path)
    assert (tmp_path / "known.json").read_text() == "{"
