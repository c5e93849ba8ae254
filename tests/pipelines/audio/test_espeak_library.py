"""The library starts from wherever it was installed."""

import ctypes
from pathlib import Path

import espeakng_loader
import pytest

from weft.pipelines.audio import espeak_library
from weft.pipelines.audio.espeak_library import NEVER_EXIT, SYNCHRONOUS, data_path, library, linked


@pytest.fixture
def long_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The voices as an environment made by a cluster has them."""
    path = tmp_path / ("session_2026" * 9) / ("runtime_resources" * 5) / "espeak-ng-data"
    path.parent.mkdir(parents=True)
    path.symlink_to(espeakng_loader.get_data_path())
    return str(path)


def test_it_starts_under_a_path_longer_than_it_holds(long_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: long_path)
    data_path.cache_clear()
    try:
        assert len(long_path) > 160 > len(data_path())
        with library(SYNCHRONOUS, NEVER_EXIT) as espeak:
            assert espeak.espeak_SetVoiceByName(b"en-us") == 0
    finally:
        data_path.cache_clear()


def test_a_path_that_fits_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak_library, "linked", lambda path: pytest.fail("linked"))
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: "/opt/espeak-ng-data")
    assert data_path.__wrapped__() == "/opt/espeak-ng-data"


def test_voices_that_are_gone_are_reported_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak_library, "data_path", lambda: linked(str(tmp_path / "gone")))
    with pytest.raises(RuntimeError, match="does not start from"), library(SYNCHRONOUS, NEVER_EXIT):
        pass


def test_each_use_starts_afresh() -> None:
    heard = []
    for _ in range(2):
        with library(SYNCHRONOUS, NEVER_EXIT) as espeak:
            heard.append(espeak.espeak_GetParameter(ctypes.c_int(1), ctypes.c_int(1)))
            espeak.espeak_SetParameter(1, 300, 0)
    assert heard[0] == heard[1] != 300
