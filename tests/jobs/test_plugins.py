"""A recipe with an aligner of the user's own, in a file beside it, from the command line to the words in a corpus."""

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"
ALIGNER = re.findall(r"```python\n(.*?)```", CONTRIBUTING.read_text(), re.DOTALL)[
    0
]  # the one that the page walks through


def write(folder: Path, speech: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "even.py").write_text(ALIGNER)
    recipe = {"name": "words", "part_size": 4, "sources": {"speech": {"use": "folder", "path": str(speech)}}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**recipe, "align": {"use": "./even.py"}}))
    return folder / "recipe.yaml"


def words_of(corpus: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((corpus / "align/speech").iterdir())}


def tables_of(corpus: Path) -> list[pa.Table]:
    return [pq.read_table(file) for file in sorted((corpus / "align/speech").glob("*.parquet"))]


def test_every_engine_runs_it_and_an_edit_aligns_again(
    tmp_path: Path, material: Path, weft: Callable[..., tuple[int, str, str]]
) -> None:
    recipe = write(tmp_path / "recipes", material / "raw")
    assert weft("validate", recipe)[0] == 0
    assert weft("build", recipe, "--out", tmp_path / "local", "--engine", "local")[0] == 0
    assert weft("build", recipe, "--out", tmp_path / "ray", "--engine", "ray", "--workers", "1")[0] == 0
    assert words_of(tmp_path / "local") == words_of(tmp_path / "ray") != {}
    assert weft("audit", tmp_path / "local")[0] == 0
    named = {row for table in tables_of(tmp_path / "local") for row in table["aligner"].to_pylist()}
    assert named == {"even.py 1"}

    (recipe.parent / "even.py").write_text(ALIGNER.replace("score=0.0", "score=-2.0"))
    code, out, _ = weft("plan", recipe, "--out", tmp_path / "local", "--changes")
    assert code == 0 and "align/speech" in out and "segment" not in out
    assert weft("build", recipe, "--out", tmp_path / "local", "--engine", "local")[0] == 0
    assert words_of(tmp_path / "local") != words_of(tmp_path / "ray")


def test_a_file_that_is_no_aligner_is_reported_with_its_line(
    tmp_path: Path, material: Path, weft: Callable[..., tuple[int, str, str]]
) -> None:
    recipe = write(tmp_path / "recipes", material / "raw")
    (recipe.parent / "even.py").write_text("import nothing_like_it")
    code, _, errors = weft("validate", recipe)
    assert code == 2 and "recipe.yaml line" in errors and "even.py line 1" in errors

    (recipe.parent / "even.py").write_text(ALIGNER.replace("def align_clip(", "def aligned("))
    code, _, errors = weft("validate", recipe)
    assert code == 2 and "even.py: its Aligner has no align_clip or align_clips" in " ".join(errors.split())
