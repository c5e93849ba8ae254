"""The losses of a run are drawn, those on validation data too."""

from pathlib import Path

from weft.trainer import curves, losses
from weft.trainer.losses import LossRow, ValidationRow


def test_a_picture_is_drawn_of_training_and_validation(tmp_path: Path) -> None:
    for step in range(1, 6):
        losses.append(
            tmp_path,
            [
                LossRow(step=step, task="all", loss=1 / step, tokens=10, lr=1e-3),
                LossRow(step=step, task="words", loss=0.0, tokens=0, lr=1e-3),
            ],
        )
    picture = curves.plot(tmp_path)
    assert picture == tmp_path / "losses.png"
    without = picture.read_bytes()
    assert without.startswith(b"\x89PNG")
    losses.append_validation(tmp_path, [ValidationRow(step=3, task="words", loss=0.5, tokens=9)])
    assert curves.plot(tmp_path).read_bytes() != without
    assert sorted(p.name for p in tmp_path.iterdir()) == ["losses.jsonl", "losses.png", "validation.jsonl"]
