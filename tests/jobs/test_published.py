"""`weft plan` prints the tables of the four systems: as declared, as published, and as far as the user's data go."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from weft.jobs.commands import read_pipeline
from weft.jobs.published import amount, conflicts, lines
from weft.pipelines.audio.sound import flac
from weft.schemas.published import PublishedRow
from weft.schemas.recipe_file import load

Weft = Callable[..., tuple[int, str, str]]
RECIPES = Path(__file__).parents[2] / "recipes"
TOTALS: dict[str, dict[str, float]] = {
    "spirit-lm-base": {"pretrain": 100e9},
    "spirit-lm-expressive": {"pretrain": 0},  # of which the paper prints the shares alone
    "step-audio-2": {"align": 100e9, "extend": 256e9, "main": 800e9, "cooldown": 200e9, "sft": 4e9},
    "step-audio-aqaa": {"pretrain-1": 1.2e12, "pretrain-2": 0.8e12, "pretrain-3": 1.3e12},
}
# every row of the papers' tables, in B tokens, typed from them: what is declared, and what stands in the published column
ROWS: dict[str, dict[str, dict[str, float]]] = {
    "step-audio-2": {
        "align": {"asr": 100},
        "extend": {"text": 128, "tts": 80, "s2s-chat": 32, "interleaved": 16},
        "main": {"text": 400, "asr": 42, "tts": 120, "s2tt": 8, "t2st": 30, "to-text": 5, "interleaved": 45, "s2s-chat": 150},
        "cooldown": {
            "text": 100, "asr-dialects": 24.6, "tts-voices": 12.4, "paralinguistic": 2.4, "s2tt": 3.6, "s2st": 6, "mixed-chat": 15,
            "s2s-chat": 36,
        },
    },
    "step-audio-aqaa": {
        "pretrain-1": {"continuation": 600, "text": 300, "images": 300},
        "pretrain-2": {"continuation": 200, "interleaved": 200, "text": 200, "images": 200},
        "pretrain-3": {"continuation": 130, "interleaved": 130, "asr": 130, "tts": 130, "text": 390, "images": 390},
    },
}  # fmt: skip
CHILD = "extends: spirit-lm-expressive\nname: mine\ntraining: {pretrain: {mixture: {shares: {speech: 1}}}}\n"
# where the YAML declares a stage, what of it is written anew, and what the table then shows of the row
CHANGES = {
    "spirit-lm-base": ("\n  pretrain:", "total: 24414062.5", "total: 48828125", "speech", "66.67B"),
    "spirit-lm-expressive": ("", "speech: 1", "speech: 2", "speech", "50B"),
    "step-audio-2": ("\n  main:", "tts: 120e9", "tts: 121e9", "tts", "121B"),
    "step-audio-aqaa": ("\n  pretrain-3:", "asr: 130e9", "asr: 140e9", "asr", "140B"),
}


@pytest.fixture(autouse=True)
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def cells(output: str, stage: str, row: str) -> list[str]:
    """The cells of a row of the table of a stage."""
    table = output.split(f"Stage {stage}: ")[1]
    return next([cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines() if f"│{row} " in line)


@pytest.mark.parametrize("system", TOTALS)
def test_the_tables_of_a_system_are_printed_where_no_data_are(system: str, weft: Weft) -> None:
    code, out, errors = weft("plan", system)
    assert (code, errors) == (0, "")
    recipe = load(system)
    for stage, total in TOTALS[system].items():
        assert cells(out, stage, "sum")[3].removesuffix("*") == (amount(total) if total else "not published")
        for task in recipe.published.stages[stage].rows:
            assert cells(out, stage, task)[0] == task
    assert "nothing is counted of sources whose files are not here: " in out


@pytest.mark.parametrize(("system", "stage"), [(system, stage) for system, stages in ROWS.items() for stage in stages])
def test_every_row_of_a_published_table_is_declared_and_printed_as_in_the_paper(
    system: str, stage: str, weft: Weft
) -> None:
    out, rows = weft("plan", system)[1], ROWS[system][stage]
    recipe = load(system)
    assert set(recipe.published.stages[stage].rows) == set(recipe.training[stage].mixture.tasks) == set(rows)
    assert sum(rows.values()) * 1e9 == pytest.approx(TOTALS[system][stage])
    for task, billions in rows.items():
        _, declared, _, published, *_ = cells(out, stage, task)
        assert declared == published.removesuffix("*") == amount(billions * 1e9), task


@pytest.mark.parametrize("system", CHANGES)
def test_a_changed_number_of_the_recipe_is_in_its_table(system: str, weft: Weft, tmp_path: Path) -> None:
    section, old, new, row, shown = CHANGES[system]
    text = (RECIPES / f"{system}.yaml").read_text("utf-8") if section else CHILD
    at = text.index(old, text.index(section))
    (tmp_path / "mine.yaml").write_text(text[:at] + new + text[at + len(old) :])
    stage = section.strip("\n :") or "pretrain"
    code, out, errors = weft("plan", "mine.yaml")
    assert cells(out, stage, row)[1] == shown != cells(weft("plan", system)[1], stage, row)[1]
    assert code == 2 and "is not there; set sources." in errors  # the paths of a user's own recipe are meant


def test_a_plan_as_json_is_one_object_where_files_are_missing(weft: Weft, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CHILD)
    code, out, _ = weft("plan", "mine.yaml", "--json")
    record = json.loads(out)
    assert code == 2 and record["published"]["pretrain"]
    assert record["absent"] and all("is not there; set sources." in sentence for sentence in record["absent"].values())


def test_unpublished_rows_and_missing_tasks_say_so(weft: Weft) -> None:
    out = weft("plan", "step-audio-2")[1]
    assert cells(out, "sft", "reasoning")[3] == "not published"
    assert cells(out, "main", "text")[1:4] == ["400B", cells(out, "main", "text")[2], "400B"]
    for row in lines(load("step-audio-2"), "main"):
        assert cells(out, "main", row.name)[1] == (amount(row.declared) if row.declared else "no such task")


def test_what_no_paper_prints_itself_is_marked_and_the_mark_is_explained(weft: Weft) -> None:
    out = weft("plan", "step-audio-aqaa")[1]
    for stage, rows in ROWS["step-audio-aqaa"].items():
        assert {cells(out, stage, row)[3][-1] for row in (*rows, "sum")} == {"*"}
    assert "published of final: merge sft-1 : sft-2 : dpo 5 : 5 : 1*" in out
    assert "audio : text : image 2 : 1 : 1, lr" in out  # which the paper prints
    assert out.count("* second-hand: the paper itself does not print it") == 4  # three tables and the merge
    assert "*" not in weft("plan", "step-audio-2")[1]
    record = json.loads(weft("plan", "step-audio-aqaa", "--json")[1])["published"]["pretrain-1"]
    assert {row["second_hand"] for row in record} == {True}


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("spirit-lm-*.yaml")))
def test_amounts_that_the_paper_prints_of_base_alone_are_shown_of_base_alone(name: str) -> None:
    stage = load(name).published.stages["pretrain"]
    if name in ("spirit-lm-base", "spirit-lm-base-small"):
        assert stage.total == 100e9 and stage.numbers["hours of speech"] == 458000
    else:
        assert stage.total is None and all(row.amount is None for row in stage.rows.values())
        assert stage.numbers == ({"shares": "33.3 % each"} if "expressive" in name else {})


def test_the_printed_shares_stand_beside_the_amounts(weft: Weft) -> None:
    out = weft("plan", "spirit-lm-base")[1]
    assert cells(out, "pretrain", "speech")[2:4] == ["33.33%", "33.3%, 34.97B = 1.24 × 28.2B"]
    assert {cells(out, "pretrain", row)[3][:5] for row in ("speech", "words", "text")} == {"33.3%"}
    skewed = load("spirit-lm-base", ["training.pretrain.mixture.shares.speech=2"])
    assert "stage pretrain: speech: 50.0% of the mixture are declared, 33.3% are published" in list(conflicts(skewed))


def test_a_second_hand_figure_that_is_not_there_is_a_fault_with_its_line(weft: Weft, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "extends: step-audio-2\npublished:\n  stages:\n    main:\n      second_hand: [ttx]\n"
    )
    code, _, errors = weft("plan", "mine.yaml")
    assert (
        code == 2
        and "mine.yaml line 4: published.stages.main" in errors
        and "names 'ttx'; the figures are total" in errors
    )


def test_a_script_reads_the_same_as_json(weft: Weft) -> None:
    record = json.loads(weft("plan", "step-audio-2", "--json")[1])
    (tts,) = (row for row in record["published"]["main"] if row["task"] == "tts")
    assert (tts["declared"], tts["published"]) == (120e9, 120e9)
    assert [row["published"] for row in record["published"]["sft"]] == [None] * 8
    assert any("680B" in sentence for sentence in record["conflicts"])


def test_what_papers_contradict_is_printed_from_both_sides() -> None:
    step, spirit = list(conflicts(load("step-audio-2"))), list(conflicts(load("spirit-lm-base")))
    assert any("628B together" in c and "the abstract says 680B" in c for c in step)
    assert any("speech: the declared 33.33B are 1.18 passes" in c and "1.24 passes are published" in c for c in spirit)
    assert any("words: the declared 33.33B are 3.97 passes" in c and "3.81 passes are published" in c for c in spirit)
    assert any("the published rows are 100.7B together, its total is 100B" in c for c in spirit)
    assert not any("text: the declared" in c for c in spirit)


def test_what_the_recipe_changes_of_the_paper_is_a_conflict_before_its_scale() -> None:
    changed = load("step-audio-2", ["training.main.mixture.budgets.tts=121e9", "training.main.mixture.scale=0.001"])
    assert "stage main: tts: 121B are declared, 120B are published" in list(conflicts(changed))
    assert not [c for c in conflicts(load("spirit-lm-base-small")) if "declared" in c]  # batches of another context


def test_hours_tokens_and_passes_of_the_data_that_are_there_stand_beside(weft: Weft, tmp_path: Path) -> None:
    (tmp_path / "speech").mkdir()
    for n in range(3):
        (tmp_path / "speech" / f"{n}.flac").write_bytes(flac(np.zeros(16000 * 120, np.float32), 16000))
    code, out, _ = weft("plan", "spirit-lm-base", "sources.speech.path=speech", "sources.speech.hold_out.items=0.5")
    speech, words = cells(out, "pretrain", "speech"), cells(out, "pretrain", "words")
    assert code == 0 and speech[4] == "0.07" and speech[7] == "too little data"  # one of three is held out
    tokens = float(speech[5].replace(",", ""))
    assert float(speech[6].replace(",", "")) == pytest.approx(100e9 / 3 / tokens, rel=1e-3)
    assert words[4:] == ["–", "–", "–", "no data here"]
    assert "not here: aligned, text" in out


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{passes: 2}", "`passes` need the `data` that they are over, and no `tokens`"),
        ("{tokens: 1e9, passes: 2, data: 1e9}", "`passes` need the `data` that they are over, and no `tokens`"),
        ("{data: 1e9}", "`data` need the `passes` over them"),
        ("-1", "greater than 0"),
        ("unknown", "a valid number"),
    ],
)
def test_a_wrong_row_is_a_fault_with_its_line(row: str, message: str, weft: Weft, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        f"extends: step-audio-2\npublished:\n  stages:\n    main:\n      rows:\n        tts: {row}\n"
    )
    code, _, errors = weft("plan", "mine.yaml")
    assert code == 2 and "mine.yaml line 6: published.stages.main.rows.tts" in errors and message in errors


def test_a_row_in_passes_is_so_many_tokens() -> None:
    assert PublishedRow(passes=2.0, data=3e9).amount == 6e9
    assert PublishedRow(tokens=5e9).amount == 5e9 and PublishedRow().amount is None


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.yaml")))
def test_every_shipped_recipe_is_valid_and_its_rows_are_its_tasks(name: str) -> None:
    recipe = read_pipeline(name).recipe
    for stage, training in recipe.training.items():
        rows = recipe.published.stages[stage].rows if stage in recipe.published.stages else training.mixture.tasks
        assert set(training.mixture.tasks) <= set(rows)
        assert re.fullmatch(r"[a-z][a-z0-9-]*", stage)


def test_captioned_images_count_as_data_of_the_row_of_images(weft: Weft, tmp_path: Path) -> None:
    line = {"text": "A red square.", "fields": {"image": "one.png"}}
    (tmp_path / "pictures.jsonl").write_text(json.dumps(line) + "\n")
    path = f"sources.pictures.path={tmp_path / 'pictures.jsonl'}"
    _, out, _ = weft(
        "plan", "step-audio-aqaa", path, "sources.pictures.hold_out=null"
    )  # of one nobody would be held out
    assert cells(out, "pretrain-1", "images")[-1] == "too little data"


def test_every_aspect_that_can_be_made_here_reaches_the_understanding_task_of_the_small_recipe() -> None:
    """Of the report's 11 (recipes.md §3), those that docs/data.md does not name as absent."""
    aspects = {
        "gender",
        "age",
        "timbre",
        "scenario",
        "event",
        "emotion",
        "pitch",
        "rhythm",
        "speed",
        "style",
        "vocal sound",
    }
    absent = {"age", "timbre", "style", "vocal sound"}
    page = (RECIPES.parent / "docs" / "data.md").read_text("utf-8")
    assert "| age, timbre, style, vocal sound | nothing: " in page
    pipeline = read_pipeline("step-audio-2-small")
    for stage in ("cooldown", "sft"):
        assert "paralinguistic" in pipeline.recipe.training[stage].mixture.tasks
    sources = {name: pipeline.sources[name] for name in pipeline.tasks["paralinguistic"].sources}
    made = {json.loads(item.payload)["aspect"] for name, source in sources.items() for item in source.items(name)}
    assert aspects - absent <= made
