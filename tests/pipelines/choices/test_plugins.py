"""Backends that are not weft's own, in a package and in a file that are made here."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from weft.pipelines.aligners.base import Timed
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.aligners.common.utterances import alignment_of
from weft.pipelines.choices import plugins
from weft.pipelines.choices.registry import ChoiceError, make, names
from weft.schemas.audio import Audio, Utterance
from weft.schemas.recipe import Choice

ROOT = Path(__file__).parents[3]

ALIGNER = '''"""Words of equal length."""
from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import Clip, Timed
from weft.schemas.audio import Word

class Aligner(base.Aligner):
    score: float = 0.0

    def version(self) -> str:
        return "1"

    def align_clip(self, clip: Clip) -> Timed:
        step = len(clip.samples) / 16000 / len(clip.spoken)
        return Timed([Word(w, i * step, (i + 1) * step, self.score) for i, w in enumerate(clip.spoken)])
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Makes a package with entry points, as pip would have installed it."""
    added: list[str] = []

    def made(package: str, code: str, points: str) -> None:
        (tmp_path / f"{package}.py").write_text(code)
        (dist := tmp_path / f"{package}-1.0.dist-info").mkdir()
        (dist / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (dist / "entry_points.txt").write_text(points)
        added.append(package)
        forget()

    def forget() -> None:
        plugins.entry_points_of.cache_clear()

    monkeypatch.syspath_prepend(str(tmp_path))
    yield made
    forget()
    for package in added:
        sys.modules.pop(package, None)


def test_a_file_gives_its_class_with_its_settings(tmp_path: Path) -> None:
    (tmp_path / "even.py").write_text(ALIGNER)
    made = make("aligners", Choice.model_validate({"use": str(tmp_path / "even.py"), "score": -1.0}))
    assert made.score == -1.0
    with pytest.raises(ChoiceError) as fault:
        make("aligners", Choice.model_validate({"use": str(tmp_path / "even.py"), "scores": 1}))
    assert fault.value.path == ("scores",)


def test_an_edit_of_a_file_changes_what_its_records_are_made_from(tmp_path: Path) -> None:
    (file := tmp_path / "even.py").write_text(ALIGNER)
    before = make("aligners", Choice(use=str(file))).backend_name
    assert make("aligners", Choice(use=str(file))).backend_name == before
    file.write_text(ALIGNER.replace('"""Words', '"""All words'))
    assert make("aligners", Choice(use=str(file))).backend_name != before


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("x = 1", "it defines no class Aligner"),
        ("class Aligner: pass", "must be a subclass of weft.pipelines.aligners.base.Aligner"),
        ("import nothing_like_it", r"ModuleNotFoundError: No module named 'nothing_like_it' \(even.py line 1\)"),
        ("a = 1\ndef", "line 2: invalid syntax"),
        ("a = 1\n1 / 0", r"ZeroDivisionError: division by zero \(even.py line 2\)"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_backend_is_refused_with_the_reason(tmp_path: Path, code: str | None, wrong: str) -> None:
    if code is not None:
        (tmp_path / "even.py").write_text(code)
    with pytest.raises(ChoiceError, match=wrong) as fault:
        make("aligners", Choice(use=str(tmp_path / "even.py")))
    assert fault.value.path == ("use",)


def test_an_entry_point_is_offered_beside_wefts_own(install) -> None:  # type: ignore[no-untyped-def]
    install("even_words", ALIGNER, "[weft.aligners]\neven = even_words:Aligner\n")
    assert {"even", "sphinx"} <= set(names("aligners")) and "even" not in names("voices")
    assert "even_words" not in sys.modules  # to list names imports nothing
    made = make("aligners", Choice.model_validate({"use": "even", "score": -2.0}))
    assert (made.score, made.backend_name) == (-2.0, "even_words")
    assert type(make("aligners", Choice(use="even_words"))) is type(made)  # as the card of a trained tokenizer names it


ABOVE = "from weft.pipelines.{0} import base\nclass {1}(base.{1}):\n    x: int = 1\n"
LACKING = {
    "sources": "no makes, no items, no read",
    "segmenters": "no version, no speech",
    "transcribers": "no version, no transcribe",
    "aligners": "no version, no align_clip or align_clips",
    "voices": "no version, no styles, no speak",
    "tasks": "no markers, no compose",
}


@pytest.mark.parametrize("folder", LACKING)
def test_a_backend_without_a_method_that_it_needs_is_refused_by_name(folder: str, tmp_path: Path) -> None:
    cls = folder.removesuffix("s").title()
    (tmp_path / "mine.py").write_text(ABOVE.format(folder, cls))
    with pytest.raises(ChoiceError) as fault:
        make(folder, Choice(use=str(tmp_path / "mine.py")))
    assert f"mine.py: its {cls} has {LACKING[folder]}; weft.pipelines.{folder}.base.{cls} says" in fault.value.message
    open_in_base = {
        node.name
        for node in ast.walk(ast.parse((ROOT / "pipelines" / folder / "base.py").read_text()))
        if isinstance(node, ast.FunctionDef) and "raise NotImplementedError" in ast.unparse(node)
    }
    assert all(f"no {name}" in LACKING[folder] for name in open_in_base - {"train", "facts_of"})


def test_a_tokenizer_without_its_methods_is_refused_by_name(tmp_path: Path) -> None:
    code = "from weft.tokenizers.base import SpeechTokenizer\nclass Tokenizer(SpeechTokenizer):\n    pass\n"
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(ChoiceError, match="its Tokenizer has no _ids, no frames, no load, no train, no version; weft"):
        make("tokenizers", Choice(use=str(tmp_path / "mine.py")))


def test_an_aligner_that_learns_needs_the_methods_for_it(tmp_path: Path) -> None:
    learns = ALIGNER + "\n    @property\n    def training_seconds(self) -> float:\n        return 60.0\n"
    (tmp_path / "even.py").write_text(learns)
    with pytest.raises(ChoiceError, match="its Aligner has no train, no load"):
        make("aligners", Choice(use=str(tmp_path / "even.py")))


def test_a_source_that_lists_facts_needs_the_method_for_it(tmp_path: Path) -> None:
    lists = "from weft.pipelines.sources import base\nclass Source(base.Source):\n    lists_facts = property(lambda self: True)\n"
    (tmp_path / "listed.py").write_text(lists)
    with pytest.raises(ChoiceError, match="its Source has no makes, no items, no read, no facts_of"):
        make("sources", Choice(use=str(tmp_path / "listed.py")))


def test_records_name_a_backend_as_the_recipe_does(tmp_path: Path, install) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "even.py").write_text(ALIGNER)
    install("even_words", ALIGNER, "[weft.aligners]\nletters = even_words:Aligner\n")
    choices = {"even.py": str(tmp_path / "even.py"), "letters": "letters", "sphinx": "sphinx"}
    assert {name: make("aligners", Choice(use=use)).called for name, use in choices.items()} == {n: n for n in choices}
    aligner = make("aligners", Choice(use=choices["even.py"]))
    utterance = Utterance(key="a", recording="a", source="s", audio=Audio("a.wav"), sha256="", start=0.0, end=1.0)
    assert alignment_of(aligner.model_copy(), utterance, Timed([])).aligner == "even.py 1"


def test_a_leaf_that_gives_a_word_too_few_is_named_with_the_clip(tmp_path: Path) -> None:
    few = ALIGNER.replace("enumerate(clip.spoken)])", "enumerate(clip.spoken)][1:])")
    (tmp_path / "even.py").write_text(few)
    aligner = make("aligners", Choice(use=str(tmp_path / "even.py")))
    with pytest.raises(
        ValueError, match=r"the aligner even\.py gave 1 words for the 2 spoken words of a clip: 'one two'"
    ):
        align_samples(aligner, np.zeros(16000, np.float32), ["one", "two"])


def test_names_that_are_taken_are_refused(install) -> None:  # type: ignore[no-untyped-def]
    install("even_words", ALIGNER, "[weft.aligners]\nsphinx = even_words:Aligner\n")
    with pytest.raises(ChoiceError, match="an installed package names its own 'sphinx' as weft does"):
        make("aligners", Choice(use="sphinx"))
    install("odd_words", ALIGNER, "[weft.aligners]\nsphinx = odd_words:Aligner\n")
    with pytest.raises(ChoiceError, match="two installed packages"):
        make("aligners", Choice(use="sphinx"))


def test_a_package_that_cannot_be_imported_is_named(install) -> None:  # type: ignore[no-untyped-def]
    install("broken_words", "1 / 0", "[weft.aligners]\nbroken = broken_words:Aligner\n")
    with pytest.raises(ChoiceError, match="'broken' of the package broken_words cannot be imported: ZeroDivisionError"):
        make("aligners", Choice(use="broken"))


@pytest.mark.parametrize(
    "folder", ["sources", "segmenters", "transcribers", "aligners", "voices", "tasks", "tokenizers"]
)
def test_every_folder_takes_files_and_refuses_what_is_no_backend(folder: str, tmp_path: Path) -> None:
    cls = {"aligners": "Aligner", "voices": "Voice", "tasks": "Task", "sources": "Source"}.get(folder)
    cls = cls or folder.removesuffix("s").title()
    (tmp_path / "mine.py").write_text(f"class {cls}: pass")
    with pytest.raises(ChoiceError, match=f"its {cls} must be a subclass of weft"):
        make(folder, Choice(use=str(tmp_path / "mine.py")))
