"""Names on the hub are written `hf://org/name`; a path that is not there is never one."""

from pathlib import Path

import pytest

from weft.schemas.hub import loadable, loadable_or_word


def test_what_a_library_is_given(tmp_path: Path) -> None:
    for resolve in (loadable, loadable_or_word):
        assert resolve("hf://org/whisper") == "org/whisper"
        assert resolve(str(tmp_path)) == str(tmp_path)
        for gone in ("org/whisper", str(tmp_path / "gone")):
            with pytest.raises(ValueError, match="no such file or folder"):
                resolve(gone)
        with pytest.raises(ValueError, match="is written hf://org/name"):
            resolve("hf://whisper")


def test_a_word_is_the_librarys_own_name() -> None:
    assert loadable_or_word("large-v3") == "large-v3"
    with pytest.raises(ValueError, match="no such file or folder"):
        loadable("large-v3")
