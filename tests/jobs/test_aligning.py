"""`weft align`: timing files beside the paths of what was given, what was not aligned reported, and nothing done twice."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from praatio import textgrid

from weft.jobs.aligning import AlignRequest, recipe_of
from weft.pipelines.choices.registry import make
from weft.pipelines.segment import Segment
from weft.pipelines.timings import wordjson
from weft.schemas.audio import Audio, Recording, Utterance
from weft.schemas.recipe import Choice

Ran = Callable[..., tuple[int, str]]


@pytest.fixture
def align(weft: Callable[..., tuple[int, str, str]], tmp_path: Path) -> Ran:
    """`weft align` into `out`; its exit code and all it said."""

    def ran(*arguments: object) -> tuple[int, str]:
        code, out, errors = weft("align", *arguments, "--out", tmp_path / "out", "--engine", "local")
        return code, out + errors

    return ran


def test_every_format_of_a_folder(material: Path, align: Ran, tmp_path: Path) -> None:
    code, output = align(material / "raw", "--format", "textgrid", "--format", "ctm", "--format", "json")
    assert code == 0, output
    written = sorted(p.name for p in (tmp_path / "out").iterdir() if p.name not in (".corpus", "rejects.jsonl"))
    stems = sorted(p.stem for p in (material / "raw").glob("*.flac"))
    aligned = sorted(name.removesuffix(".ctm") for name in written if name.endswith(".ctm"))
    rejected = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()]
    assert len(aligned) + len(rejected) == len(stems)
    for stem in aligned:
        words = (material / "raw" / f"{stem}.txt").read_text().split()
        grid = textgrid.openTextgrid(str(tmp_path / "out" / f"{stem}.TextGrid"), includeEmptyIntervals=False)
        assert " ".join(i.label for i in grid.getTier("words").entries).split() == words
        timing = wordjson.read((tmp_path / "out" / f"{stem}.words.json").read_bytes())
        assert [w.text for w in timing.words()] == words
        assert len((tmp_path / "out" / f"{stem}.ctm").read_text().splitlines()) == len(words)
    code, output = align(material / "raw")
    assert code == 0 and " reused" in output and "over all workers" not in output


def test_timing_that_came_is_taken_unless_it_is_to_be_found_anew(material: Path, align: Ran, tmp_path: Path) -> None:
    clip = next((material / "raw").glob("*.flac"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.flac").write_bytes(clip.read_bytes())
    words = clip.with_suffix(".txt").read_text().split()
    (tmp_path / "in" / "a.ctm").write_text("".join(f"a 1 {n / 100} 0.01 {word}\n" for n, word in enumerate(words)))
    assert align(tmp_path / "in" / "a.flac", "--format", "ctm")[0] == 0
    given = (tmp_path / "out" / "a.ctm").read_text().split()
    assert given[6 + 2] == "0.010"
    assert align(tmp_path / "in" / "a.flac", "--format", "ctm", "--retime")[0] == 0
    found = (tmp_path / "out" / "a.ctm").read_text().split()
    assert float(found[-4]) > 0.5


def test_names_never_leave_the_folder_or_meet(material: Path, align: Ran, tmp_path: Path) -> None:
    clip = next((material / "raw").glob("*.flac"))
    (tmp_path / "in").mkdir()
    lines = []
    for name in ("../in/a.flac", "b.flac", "b.flac.flac", "b.wav"):
        (tmp_path / "in" / Path(name).name).write_bytes(clip.read_bytes())
        lines.append(json.dumps({"audio": name, "text": clip.with_suffix(".txt").read_text()}))
    (tmp_path / "in" / "m.jsonl").write_text("\n".join(lines))
    assert align(tmp_path / "in" / "m.jsonl")[0] == 0
    written = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.TextGrid")}
    assert len(written) == 4 and "in/a.TextGrid" in written
    assert all(name.startswith(("b.", "in/")) for name in written)
    assert not list(tmp_path.glob("*.TextGrid"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.wav"], "nowhere.wav: no such file or folder"),
        (["align.use=sphinx"], "name audio files"),
        ([".", "--format", "praat"], "--format praat: unknown format; known: textgrid, json, ctm"),
        ([".", "align.min_scor=1"], "no such setting"),
    ],
)
def test_what_is_wrong_is_one_sentence(align: Ran, arguments: list[str], sentence: str) -> None:
    code, output = align(*arguments)
    assert code == 2 and sentence in output and "Traceback" not in output


def test_nothing_aligned_is_a_failure(align: Ran, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"nonsense")
    code, output = align(tmp_path / "a.wav")
    assert code == 1 and "not_audio" in output


def test_a_recording_of_a_day_with_one_transcript_stays_whole(tmp_path: Path) -> None:
    """What is too long for an aligner is its own affair; nobody is sent to where they are."""
    wanted = AlignRequest(paths=(str(tmp_path),), source={}, formats=("ctm",), out=tmp_path)
    settings = recipe_of(wanted)["segment"]
    stage = Segment(segmenter=make("segmenters", Choice.model_validate(settings)))
    day = Recording(
        key="k",
        source="s",
        path="a.wav",
        audio=Audio("a.wav"),
        seconds=86_400.0,
        rate=16_000,
        channels=1,
        sha256="",
        text="once upon a time",
    )
    (whole,) = stage([day])
    assert isinstance(whole, Utterance) and (whole.start, whole.end, whole.text) == (0.0, 86_400.0, day.text)
