"""`weft tokenizer` and `weft encode`: a tokenizer from speech, tokens from a tokenizer, and one sentence for what is wrong."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from transformers import HubertModel

from tests.checkpoints import small_hubert

Weft = Callable[..., tuple[int, str, str]]
LOCAL = ("--engine", "local")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def trained(models: Path, material: Path, weft: Weft) -> Path:
    """cepstra, pitch and style, made once."""
    for use, *settings in (
        ("cepstra", "size=16"),
        ("pitch", "size=4", "training.steps=3"),
        ("style", "size=4", "training.steps=3"),
    ):
        if not (models / use / "card.json").exists():
            code, out, errors = weft(
                "tokenizer", "train", use, material / "raw", "--out", models / use, *LOCAL, *settings
            )
            assert code == 0, out + errors
            assert "codes used" in out
    return models


def test_a_card_says_its_training_speech_and_what_it_is(trained: Path) -> None:
    card = json.loads((trained / "pitch" / "card.json").read_text())
    assert (card["use"], card["rate"], card["size"], card["literal"]) == ("pitch", 12.5, 4, "[Pi{}]")
    assert card["trained_on"]["clips"] == 12 and card["trained_on"]["seconds"] > 10
    assert len(card["checksum"]) == 16


def test_training_again_does_nothing_and_other_settings_do(
    trained: Path, material: Path, weft: Weft, tmp_path: Path
) -> None:
    before = (trained / "cepstra" / "model.safetensors").read_bytes()
    code, out, _ = weft(
        "tokenizer", "train", "cepstra", material / "raw", "--out", trained / "cepstra", *LOCAL, "size=16"
    )
    assert code == 0 and (trained / "cepstra" / "model.safetensors").read_bytes() == before
    assert " reused" in out
    assert weft("tokenizer", "train", "cepstra", material / "raw", "--out", tmp_path / "c", *LOCAL, "size=8")[0] == 0
    assert json.loads((tmp_path / "c" / "card.json").read_text())["size"] == 8


def test_tokens_of_several_tokenizers_are_one_stream(trained: Path, material: Path, weft: Weft, tmp_path: Path) -> None:
    chosen = [f for name in ("style", "pitch", "cepstra") for f in ("--tokenizer", trained / name)]
    code, out, errors = weft("encode", material / "raw", *chosen, "--out", tmp_path / "t.parquet", *LOCAL)
    assert code == 0, out + errors
    rows = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert len(rows) == 12 and "and 9 more" in out
    for row in rows:
        assert row["literals"].startswith("[St") and "[Pi" in row["literals"] and "[Ce" in row["literals"]
        style, pitch, cepstra = row["codes"]
        assert row["literals"].count("[") == sum(len(codes["ids"]) for codes in row["codes"])
        assert cepstra["ticks"] == int(row["seconds"] * 25 + 1e-6)
        assert style["ticks"] == -(-round(row["seconds"] * 16_000) // 16_000)
        assert row["stream"]["tokenizers"] == ["style", "pitch", "cepstra"] and row["stream"]["rate"] == 25
        assert pitch["rate"] == 12.5
    assert (tmp_path / "t.rejects.jsonl").read_text() == ""


def test_what_cannot_be_encoded_is_reported_and_the_rest_goes_on(
    trained: Path, material: Path, weft: Weft, tmp_path: Path
) -> None:
    clip = next((material / "raw").glob("*.flac"))
    (tmp_path / "broken.flac").write_bytes(clip.read_bytes()[:2000])
    code, out, _ = weft(
        "encode",
        clip,
        tmp_path / "broken.flac",
        "--tokenizer",
        trained / "cepstra",
        "--out",
        tmp_path / "t.parquet",
        *LOCAL,
    )
    assert code == 0 and "Not encoded" in out
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 1
    assert len((tmp_path / "t.rejects.jsonl").read_text().splitlines()) == 1
    assert (
        weft(
            "encode",
            tmp_path / "broken.flac",
            "--tokenizer",
            trained / "cepstra",
            "--out",
            tmp_path / "u.parquet",
            *LOCAL,
        )[0]
        == 1
    )


def test_an_evaluation_is_a_table(trained: Path, material: Path, weft: Weft, tmp_path: Path) -> None:
    for name, row in (("cepstra", "PNMI with phones"), ("pitch", "correlation of F0")):
        code, out, errors = weft(
            "tokenizer", "evaluate", trained / name, material / "raw", "--out", tmp_path / name, *LOCAL
        )
        assert code == 0, out + errors
        assert row in out and "bits a second" in out


def test_tokenizers_are_measured_beside_one_another(trained: Path, material: Path, weft: Weft, tmp_path: Path) -> None:
    beside = [f for name in ("pitch", "cepstra") for f in ("--beside", trained / name)]
    code, out, errors = weft(
        "tokenizer", "evaluate", trained / "cepstra", material / "raw", *beside, "--out", tmp_path / "e", *LOCAL
    )
    assert code == 0, out + errors
    assert re.search(r"measure\W+cepstra\W+pitch\W+cepstra-2", out) and re.search(r"utterances\W+12\W+12\W+12", out)
    first, other, same = re.findall(r"phone purity\W+([\d.]+)\W+([\d.]+)\W+([\d.]+)", out)[0]
    assert first == same != other
    assert re.search(r"that of the codes *│ *│ *-?\d\.\d+ *│ *│", out)  # pitch alone has one


def test_a_checkpoint_may_move(material: Path, weft: Weft, tmp_path: Path) -> None:
    clip, here, out = next((material / "raw").glob("*.flac")), tmp_path / "here", tmp_path / "style"
    HubertModel(small_hubert()).save_pretrained(here)
    train = ("tokenizer", "train", "style", material / "raw", "--out", out, *LOCAL, "size=4", "layer=1")
    encode = ("encode", clip, "--tokenizer", out, *LOCAL, "--out")
    assert weft(*train, f"model={here}")[0] == 0 and weft(*encode, tmp_path / "a.parquet")[0] == 0
    there = here.rename(tmp_path / "there")
    code, _, errors = weft(*encode, tmp_path / "b.parquet")
    assert code == 2 and "no model here" in errors
    assert weft(*train, f"model={there}")[0] == 0
    code, _, errors = weft(*encode, tmp_path / "b.parquet")
    assert code == 0, errors


def test_another_model_than_the_card_is_of(trained: Path, material: Path, weft: Weft, tmp_path: Path) -> None:
    clip, mixed = next((material / "raw").glob("*.flac")), tmp_path / "mixed"
    shutil.copytree(trained / "cepstra", mixed)
    other = ("tokenizer", "train", "cepstra", clip, "--out", tmp_path / "other", *LOCAL, "size=16")
    assert weft(*other)[0] == 0
    shutil.copyfile(tmp_path / "other" / "model.safetensors", mixed / "model.safetensors")
    code, _, errors = weft("encode", clip, "--tokenizer", mixed, "--out", tmp_path / "t.parquet", *LOCAL)
    assert code == 2 and f"{mixed}: its model is not the one that card.json describes" in " ".join(errors.split())


def test_the_list_has_them_all(weft: Weft) -> None:
    code, out, _ = weft("tokenizer", "list")
    assert code == 0
    for name in ("hubert", "fsq", "linguistic", "pitch", "style", "s3", "cepstra"):
        assert name in out
    assert "bpe" not in out
    given = [line for line in out.splitlines() if "nothing: not trained here" in line]
    assert len(given) == 1 and "s3" in given[0]


def test_a_corpus_says_where_its_tokenizers_came_from(
    trained: Path, material: Path, weft: Weft, tmp_path: Path
) -> None:
    clip = next((material / "raw").glob("*.flac"))
    assert weft("encode", clip, "--tokenizer", trained / "cepstra", "--out", tmp_path / "t.parquet", *LOCAL)[0] == 0
    written = yaml.safe_load((tmp_path / "t.corpus" / "recipe.yaml").read_text())
    assert written["tokenizers"]["cepstra"]["folder"] == str(trained / "cepstra")
    assert not list(tmp_path.glob("*.part"))


def test_a_corpus_is_read_from_anywhere_and_after_its_tokenizer_went(
    trained: Path, material: Path, weft: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = next((material / "raw").glob("*.flac"))
    shutil.copytree(trained / "cepstra", tmp_path / "here" / "models" / "cepstra")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert weft("encode", clip, "--tokenizer", "models/cepstra", "--out", tmp_path / "t.parquet", *LOCAL)[0] == 0
    (tmp_path / "here" / "models").rename(tmp_path / "there" / "models")
    for folder in ("here", "there"):
        monkeypatch.chdir(tmp_path / folder)
        assert weft("audit", tmp_path / "t.corpus")[0] == 0
        code, out, _ = weft("status", tmp_path / "t.corpus")
        (row,) = (line.replace("│", " ").split() for line in out.splitlines() if "cepstra" in line)
        assert code == 0 and row == ["models/cepstra", "1", "1", "0"], out
    code, _, errors = weft("build", tmp_path / "t.corpus" / "recipe.yaml", "--out", tmp_path / "again", *LOCAL)
    assert code == 2 and "no trained tokenizer here" in errors


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tokenizer", "train", "mimi", ".", "--out", "m"), "mimi: unknown speech tokenizer"),
        (("tokenizer", "train", "pitch", "nowhere", "--out", "m"), "nowhere: no such file or folder"),
        (("tokenizer", "train", "pitch", ".", "--out", "m", "steps=1"), "steps"),
        (("encode", ".", "--tokenizer", "nowhere", "--out", "t.parquet"), "no trained tokenizer here"),
        (("encode", ".", "--tokenizer", "nowhere", "--out", "t.txt"), "name a .parquet file"),
        (("tokenizer", "evaluate", "nowhere", "."), "no trained tokenizer here"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, weft: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, errors = weft(*arguments)
    assert code == 2 and sentence in errors and "Traceback" not in errors


def test_streams_that_would_drift_or_be_mixed_up_are_refused(
    trained: Path, material: Path, weft: Weft, tmp_path: Path
) -> None:
    def merging(merge: str, *names: str) -> str:
        chosen = [f for name in names for f in ("--tokenizer", trained / name)]
        code, _, errors = weft(
            "encode", material / "raw", *chosen, "--merge", merge, "--out", tmp_path / "t.parquet", *LOCAL
        )
        assert code == 2
        return errors

    assert "unknown merge; known: `time`, or group sizes" in merging("later", "style")
    assert "groups need codes at a steady rate" in merging("2:3", "style", "pitch")
    assert "drift apart" in merging("1:2", "style", "style")
    for merge in ("1:1", "time"):
        assert "spelt as another's" in merging(merge, "style", "style")
