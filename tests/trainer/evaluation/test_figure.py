"""The picture of a run's evaluations."""

from pathlib import Path

from PIL import Image

from tests.trainer.evaluation.test_record import row
from weft.trainer.evaluation.figure import draw


def test_it_is_drawn_where_a_stage_has_no_text(tmp_path: Path) -> None:
    picture = draw(tmp_path, [row("start of a", 5.0), row("a", None), row("b", 4.0)])
    assert picture.name == "evaluation.png" and Image.open(picture).width > 100
    assert [file.name for file in tmp_path.iterdir()] == ["evaluation.png"]
