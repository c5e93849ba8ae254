"""`weft train` evaluates every stage and merge on the same held-out samples; `weft evaluate` shows it again and measures elsewhere."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.question_corpus import build_questions
from tests.jobs.test_training_stages import RECIPE
from weft.trainer import losses
from weft.trainer.evaluation import record
from weft.trainer.evaluation.measuring import measure
from weft.trainer.finite import Diverged

Weft = Callable[..., tuple[int, str, str]]
NAMES = ["start of base", "base", "sft", "dpo", "final"]


def built(root: Path, hold_out: str) -> Path:
    recipe = RECIPE.replace("path: QUESTIONS", f"path: QUESTIONS, hold_out: {hold_out}")
    return build_questions(root, recipe, count=40)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("held-out"), "{items: 0.3}")


@pytest.fixture
def train(held_out: Path, weft: Weft, tmp_path: Path) -> Weft:
    def train(*more: object) -> tuple[int, str, str]:
        return weft(
            "train", held_out / "recipe.yaml", "--corpus", held_out / "corpus", "--out", tmp_path / "run", *more
        )

    return train


def rows_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / record.NAME).read_text().splitlines()]


def test_every_stage_and_merge_is_measured_once(train: Weft, tmp_path: Path) -> None:
    code, out, wrong = train()
    assert code == 0, wrong
    run = tmp_path / "run"
    rows = {row["name"]: row for row in rows_of(run)}
    assert list(rows) == NAMES and (run / "evaluation.png").is_file()
    assert [line.split(":")[0] for line in out.splitlines() if line.startswith("evaluation of")] == [
        f"evaluation of {name}" for name in NAMES
    ]
    assert out.count("Evaluation: nats a token") == 4  # after each stage, beside those before
    tokens = {row["figures"]["text"]["tokens"] for row in rows.values()}
    assert len(tokens) == 1  # the same samples, of all tasks
    text = {name: row["figures"]["text"]["nats_per_token"] for name, row in rows.items()}
    assert rows["base"]["text_cost"] == text["base"] - text["start of base"] < 0
    assert rows["final"]["text_cost"] == pytest.approx(text["final"] - (5 * text["sft"] + text["dpo"]) / 6)
    assert rows["final"]["started_from"] == {"sft": 5, "dpo": 1}
    last = list(losses.read_validation(run / "dpo"))[-1]
    pairs = {name: row["preferred"]["pairs"] for name, row in rows.items()}
    assert set(pairs.values()) == {last.tokens} and "chosen is likelier" in " ".join(out.split())
    assert rows["dpo"]["preferred"]["right"] > 0.9 * last.tokens
    assert rows["dpo"]["metrics"] == last.metrics and rows["dpo"]["metric_samples"] == last.tokens
    assert last.metrics["accuracy"] > 0.9 and 0 < last.tokens < 24
    assert (
        "accuracy of preferences" in " ".join(out.split()) and f"{last.metrics['accuracy']:.3f} of {last.tokens}" in out
    )

    assert "evaluation of" not in (again := train("--resume")[1])
    assert again.count("Evaluation: nats a token") == 1
    whole = (run / record.NAME).read_bytes()
    kept = [row for row in record.read(run).values() if row.name not in ("sft", "final")]
    record.write(run, kept)
    measured = [line for line in train("--resume")[1].splitlines() if line.startswith("evaluation of")]
    assert [line.split(":")[0] for line in measured] == ["evaluation of sft", "evaluation of final"]
    assert (run / record.NAME).read_bytes() == whole
    (run / record.NAME).write_text("{\n")
    code, _, wrong = train("--resume")
    assert code == 1 and "evaluation.jsonl is damaged" in wrong


def test_a_stage_whose_loss_is_not_finite_is_named_and_the_advice_works(
    train: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> object:
        if (tmp_path / "run/sft/ended.json").exists():
            raise Diverged("the loss of text on held-out samples is not finite")
        return measure(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("weft.jobs.evaluation.measure", broken)
        code, _, wrong = train("merges=")
    sentence = "failed: evaluation of sft: the loss of text on held-out samples is not finite; lower the rate of that stage, then "
    assert code == 1 and wrong.startswith(
        f"{sentence}remove {tmp_path / 'run/sft/checkpoints'} and run again with --resume:"
    )
    shutil.rmtree(tmp_path / "run/sft/checkpoints")
    assert train("merges=", "training.sft.optimiser.lr=1e-3", "--resume")[0] == 0
    assert [row["name"] for row in rows_of(tmp_path / "run")] == ["start of base", "base", "sft", "dpo"]


@pytest.fixture
def run(train: Weft, tmp_path: Path) -> Path:
    train("--stage", "base")
    return tmp_path / "run"


def test_evaluate_shows_it_again(run: Path, weft: Weft) -> None:
    code, out, _ = weft("evaluate", run)
    assert code == 0 and "start of base" in out and "cost to text" in out
    code, out, _ = weft("evaluate", run, "--json")
    assert code == 0 and json.loads(out) == rows_of(run)


def test_evaluate_measures_on_a_corpus_and_writes_nothing(run: Path, weft: Weft, held_out: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*")}
    code, out, wrong = weft("evaluate", run, "--corpus", held_out / "corpus", "--stage", "base", "--json")
    assert code == 0, wrong
    (row,) = json.loads(out[out.index("[") :])
    assert row["figures"] == rows_of(run)[1]["figures"]
    assert before == {file: file.stat().st_mtime_ns for file in run.rglob("*")}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--stage", "base"), "--stage names what to measure on another corpus"),
        (("--corpus", "CORPUS", "--stage", "sft"), "stage 'sft' was not trained to its end"),
        (("--corpus", "CORPUS", "--stage", "sfx"), "no stage 'sfx' in the run; it has base, sft, dpo, final"),
        (("--corpus", "nowhere"), "nowhere: no corpus"),
        (("--corpus", "OTHER"), "has another vocabulary than"),
    ],
)
def test_what_cannot_be_measured(
    run: Path, weft: Weft, held_out: Path, arguments: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    other = shutil.copytree(held_out / "corpus", tmp_path / "other")
    vocabulary = other / "vocabulary" / "vocabulary.json"
    vocabulary.write_text(vocabulary.read_text().replace("<|EOT|>", "<|eot|>"))
    places = {"CORPUS": str(held_out / "corpus"), "OTHER": str(other)}
    code, _, wrong = weft("evaluate", run, *(places.get(one, one) for one in arguments))
    assert code == 2 and sentence in wrong


def test_a_damaged_checkpoint_is_not_measured(run: Path, weft: Weft, held_out: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    (weights,) = copy.glob("base/checkpoints/*/model.safetensors")
    data = bytearray(weights.read_bytes())
    data[-2] ^= 1
    weights.write_bytes(data)
    code, _, wrong = weft("evaluate", copy, "--corpus", held_out / "corpus", "--stage", "base")
    assert code == 1 and "is damaged: model.safetensors has changed" in " ".join(wrong.split()), wrong


def test_a_run_of_another_version_is_not_measured(run: Path, weft: Weft, held_out: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    for recipe in copy.glob("*/checkpoints/*/recipe.yaml"):
        recipe.write_text(recipe.read_text().replace("\nseed:", "\nstart_value:"))
    code, _, wrong = weft("evaluate", copy, "--corpus", held_out / "corpus", "--stage", "base")
    assert code == 2 and "start_value: no such setting" in wrong and "another version of weft trained this run" in wrong


def test_a_reward_model_has_an_accuracy_and_no_losses(train: Weft, weft: Weft, held_out: Path, tmp_path: Path) -> None:
    changes = ("training.dpo.objective={use: reward}", "merges=null")
    for stage in ("base", "sft", "dpo"):
        more = ("--resume",) if stage != "base" and (tmp_path / "run" / stage).exists() else ()
        code, _, wrong = train(*changes, "--stage", stage, *more)
        assert code == 0, wrong
    row = rows_of(tmp_path / "run")[-1]
    assert (row["name"], row["figures"], row["text_cost"]) == ("dpo", {}, None)
    assert "accuracy" in row["metrics"] and row["metric_samples"] > 0
    measure = ("evaluate", tmp_path / "run", "--corpus", held_out / "corpus")
    code, _, wrong = weft(*measure, "--stage", "dpo")
    assert code == 2 and "stage 'dpo' is a reward model, which gives scores and no text" in " ".join(wrong.split())
    code, table, wrong = weft(*measure)
    assert code == 0 and "sft" in table, wrong
    for stage in ("base", "sft"):
        shutil.rmtree(tmp_path / "run" / stage)
    code, table, wrong = weft(*measure)
    assert code == 2 and not table and "stage 'dpo' is a reward model" in " ".join(wrong.split()), table


def test_a_folder_without_a_run_or_evaluations_is_named(weft: Weft, text_corpus: str, tmp_path: Path) -> None:
    for folder in (tmp_path, Path(text_corpus)):
        code, _, wrong = weft("evaluate", folder)
        assert code == 2 and f"{folder} holds no run; name the folder that `weft train --out` wrote" in wrong
    (tmp_path / "base/checkpoints").mkdir(parents=True)
    code, _, wrong = weft("evaluate", tmp_path)
    assert code == 2 and "holds no evaluation; `weft train --resume` writes it" in wrong
    code, _, wrong = weft("evaluate", tmp_path / "gone")
    assert code == 2 and "no such folder" in wrong


def test_a_corpus_that_holds_nothing_out_is_told_once(weft: Weft, tmp_path: Path) -> None:
    root = built(tmp_path, "null")
    code, out, _ = weft("train", root / "recipe.yaml", "--corpus", root / "corpus", "--out", tmp_path / "run")
    assert code == 0 and out.count("no validation data in this corpus") == 1
    assert not (tmp_path / "run" / record.NAME).exists()
