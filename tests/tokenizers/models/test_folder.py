"""Trained tokenizers' folders: local, in the hub's cache, or missing; and the settings they were trained with."""

from pathlib import Path

import huggingface_hub.constants as hub
import pytest

from weft.tokenizers.cepstra import Tokenizer
from weft.tokenizers.hubert import Tokenizer as Hubert
from weft.tokenizers.models.folder import (
    absolute,
    check_settings,
    forget_speakers,
    located,
    settings_of,
    update_settings,
)
from weft.tokenizers.models.learned import read_config, write_config
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


def test_a_name_that_is_not_on_the_hub(cache: Path) -> None:
    with pytest.raises(ValueError, match="org/gone: no trained tokenizer here, nor on the hub"):
        located("hf://org/gone")


def test_names_that_are_the_same_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "pitch-64").mkdir(parents=True)
    names = [absolute(name) for name in ("org/pitch-64", str(tmp_path / "org"), "org/gone", "")]
    assert names == [str(tmp_path / "org" / "pitch-64"), str(tmp_path / "org"), "org/gone", ""]


def test_a_checkpoint_is_the_same_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mhubert").mkdir()
    (tmp_path / "km.npy").touch()
    assert Hubert(model="mhubert", codebook="km.npy").made_from == (str(tmp_path / "mhubert"), str(tmp_path / "km.npy"))
    assert Style(model="mhubert").made_from == (str(tmp_path / "mhubert"),)
    assert Hubert(model="hf://org/mhubert").model == "hf://org/mhubert"


def test_settings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model here"):
        settings_of(tmp_path)
    write_config(tmp_path, Tokenizer(size=8).model_dump(mode="json"), {"a": 1})
    assert settings_of(tmp_path)["size"] == 8
    check_settings(tmp_path, Tokenizer(size=8), "size", "seconds")
    with pytest.raises(ValueError, match="`size` is 9, it was trained with 8"):
        check_settings(tmp_path, Tokenizer(size=9), "seconds", "size")
    update_settings(tmp_path, Tokenizer(size=9))
    assert settings_of(tmp_path)["size"] == 9 and read_config(tmp_path)["learned"] == {"a": 1}


@pytest.mark.parametrize("facts", [{}, {"speakers": {}}, {"letters": "ab"}, {"speakers": {"s1": 120.5}, "spread": 2}])
def test_the_means_of_speakers_are_removed(facts: dict[str, object], tmp_path: Path) -> None:
    write_config(tmp_path, {}, facts)
    forget_speakers(tmp_path)
    assert read_config(tmp_path)["learned"] == ({**facts, "speakers": {}} if "speakers" in facts else facts)


@pytest.mark.parametrize("config", [None, "{", "{}"])
def test_a_format_of_its_own_is_left_as_it_is(config: str | None, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    forget_speakers(tmp_path)
    assert config is None or (tmp_path / "config.json").read_text() == config
