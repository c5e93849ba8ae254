"""JSON of a model that others made takes neither memory nor the stack."""

from pathlib import Path

import pytest

from weft.schemas import small_json
from weft.schemas.small_json import read_json


def test_what_is_small_is_read(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text('{"use": "hubert"}')
    assert read_json(tmp_path / "card.json") == {"use": "hubert"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [(f'"{"x" * 99}"', "card.json has more than 50"), ("[" * 50_000, "nested too deeply"), ("{", "Expecting")],
)
def test_what_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, fault: str) -> None:
    monkeypatch.setattr(small_json, "LARGEST", 1 << 20 if text.startswith("[") else 50)
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ValueError, match=fault):
        read_json(tmp_path / "card.json")
