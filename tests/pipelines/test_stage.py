"""What a stage's fingerprint names, and what it leaves out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from weft.pipelines.align import Align
from weft.pipelines.aligners.ctc import Aligner as Ctc
from weft.pipelines.aligners.sphinx import Aligner as Sphinx
from weft.pipelines.compose import Compose
from weft.pipelines.encode import Encode
from weft.pipelines.ingest import Ingest
from weft.pipelines.sources.folder import Source as Folder
from weft.pipelines.sources.manifest import Source as Manifest
from weft.pipelines.stage import Stage
from weft.pipelines.synthesize import Synthesize
from weft.pipelines.tasks.words import Task as Words
from weft.pipelines.voices.common.emotions import Prosody
from weft.pipelines.voices.espeak import Voice
from weft.tokenizers.hubert import Tokenizer as Hubert


def compose(task: object) -> Stage:
    return Compose(name="t", task=task, pass_number=0, seed=1)


@pytest.mark.parametrize(
    ("stage", "backend", "named"),
    [
        (lambda: compose(Words(sources=("s",))), Words, "version task"),
        (lambda: Ingest(source=Folder(path="/a")), Folder, "version source"),
        (lambda: Synthesize(voice=Voice(), seed=1), Voice, "version voice"),
        (lambda: Align(aligner=Sphinx()), Sphinx, "version aligner"),
        (lambda: Encode(name="h", tokenizer=Hubert()), Hubert, "version tokenizer"),
    ],
)
def test_a_backend_of_another_version_makes_another_fingerprint(
    stage: Callable[[], Stage], backend: type, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stage().made_from()
    monkeypatch.setattr(backend, "version", lambda self: "corrected")
    after = stage().made_from()
    assert {name for name in before if before[name] != after[name]} == {named}


def test_another_emotion_table_makes_another_fingerprint() -> None:
    corrected = Voice(manners=Prosody.model_validate({"emotions": {"sad": {"pitch": 0.7}}}))
    assert Synthesize(voice=corrected, seed=1).fingerprint() != Synthesize(voice=Voice(), seed=1).fingerprint()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (Ingest(source=Folder(path="/a")), Ingest(source=Manifest(path="/a"))),
    ],
)
def test_backends_with_the_same_settings_are_not_the_same(one: Stage, two: Stage) -> None:
    assert one.fingerprint() != two.fingerprint()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (Ingest(source=Folder(path="/a")), Ingest(source=Folder(path=("/b", "/c"), transcripts="/t"))),
        (
            Encode(name="h", tokenizer=Hubert(device="cuda", batch=9.0, model="/a", codebook="/b")),
            Encode(name="h", tokenizer=Hubert(model="/elsewhere/a", codebook="/elsewhere/b")),
        ),
    ],
)
def test_where_and_how_fast_are_no_part_of_it(one: Stage, two: Stage) -> None:
    assert one.fingerprint() == two.fingerprint()


def test_an_aligner_goes_by_the_content_of_its_model(tmp_path: Path) -> None:
    for name, content in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(content)
    a, b, c = (Align(aligner=Ctc(model=str(tmp_path / n), device="cuda" if n == "b" else "cpu")) for n in "abc")
    assert a.fingerprint() == b.fingerprint() != c.fingerprint()


def test_what_shapes_the_records_still_does() -> None:
    assert (
        Encode(name="h", tokenizer=Hubert(layer=1)).fingerprint() != Encode(name="h", tokenizer=Hubert()).fingerprint()
    )
    bf = Hubert(dtype="bfloat16")
    assert Encode(name="h", tokenizer=bf).fingerprint() != Encode(name="h", tokenizer=Hubert()).fingerprint()
    assert (
        Ingest(source=Folder(path="/a", language="de")).fingerprint() != Ingest(source=Folder(path="/a")).fingerprint()
    )
