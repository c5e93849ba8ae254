"""A stage's note of where it ended is whole, or said to be damaged."""

from pathlib import Path

import pytest

from weft.trainer import runs


def test_a_stage_ends_at_its_last_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "sft/checkpoints/step-000004").mkdir(parents=True)
    runs.end(tmp_path / "sft", tmp_path / "sft" / "checkpoints" / "step-000004")
    assert runs.start_of(tmp_path, "sft") == tmp_path / "sft" / "checkpoints" / "step-000004"
    assert sorted(path.name for path in (tmp_path / "sft").iterdir()) == ["checkpoints", runs.ENDED]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_note_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "sft").mkdir()
    (tmp_path / "sft" / runs.ENDED).write_text(text)
    with pytest.raises(ValueError, match=r"sft/ended\.json is damaged; `weft train --resume` writes it again"):
        runs.start_of(tmp_path, "sft")


def test_a_last_checkpoint_that_is_gone_is_named_with_what_makes_it_again(tmp_path: Path) -> None:
    (tmp_path / "sft").mkdir()
    runs.end(tmp_path / "sft", tmp_path / "sft" / "checkpoints" / "step-000004")
    with pytest.raises(ValueError, match="step-000004 is gone; `weft train --stage sft --resume` makes it again"):
        runs.start_of(tmp_path, "sft")
