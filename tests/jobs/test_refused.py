"""Stages that the data cannot fill: `weft plan`, `weft build` and `weft audit` say the same, as early as it can be known."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from weft.jobs import building

Weft = Callable[..., tuple[int, str, str]]
MODEL = {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture
def recipe(tmp_path: Path, material: Path) -> Callable[..., str]:
    """Twelve clips of as many speakers as are asked for, in one source or two, and this mixture of what they say."""

    def write(speakers: int, few: int = 0, space: str = "", **mixture: Any) -> str:
        sources: dict[str, Any] = {}
        for name, count in (("read", speakers), ("few", few)):
            clips = sorted((material / "raw").glob("*.flac")) if count else []
            lines = [{"audio_filepath": str(c), "text": "one", "speaker": f"s{n % count}"} for n, c in enumerate(clips)]
            (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            sources |= (
                {name: {"use": "manifest", "path": str(tmp_path / f"{name}.jsonl"), "speakers": space}} if count else {}
            )
        stage = {
            "mixture": {"unit": "seconds", **mixture}, "context": 64, "model": {"config": MODEL},
            "optimiser": {"lr": 1e-3, "batch_tokens": 64},
        }  # fmt: skip
        settings = {
            "name": "small", "align": {"use": "none"}, "sources": sources,
            "tokenizers": {"cepstra": {"use": "cepstra", "size": 8}}, "text": {"use": "bpe", "size": 300},
            "tasks": {"speech": {"use": "speech", "sources": list(sources)}}, "training": {"pre": stage},
        }  # fmt: skip
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
        return str(tmp_path / "recipe.yaml")

    return write


def share(most: float, **more: Any) -> dict[str, Any]:
    return {"shares": {"speech": {"weight": 1, "most": {"speaker": most}, **more}}}


VAIN = (
    "the 3 speakers of speech{} may fill 0.1 of task speech each (`most: {{speaker: 0.1}}`), 0.3 of it together, and all of it is due "
    "of speech{}; it takes 10 speakers, or `most: {{speaker: 0.3334}}`"
)


@pytest.mark.parametrize("exhausted", [{}, {"exhausted": "stop"}, {"exhausted": "repeat", "passes": 90}])
def test_too_few_speakers_are_reported_by_plan_and_refused_by_build_before_it_begins(
    weft: Weft, recipe: Callable[..., str], tmp_path: Path, exhausted: dict[str, Any]
) -> None:
    path = recipe(3, total=10, **share(0.1), **exhausted)
    code, page, _ = weft("plan", path)
    assert code == 1 and VAIN.format("", "") in page and "too few speakers" in page and "enough" not in page
    code, _, wrong = weft("build", path, "--out", tmp_path / "corpus", "--engine", "local")
    assert code == 1 and VAIN.format("", "") in wrong and "nothing was built" in wrong
    assert not list((tmp_path / "corpus").rglob("*.parquet"))


def test_speakers_who_may_fill_it_are_enough_for_all_three(
    weft: Weft, recipe: Callable[..., str], tmp_path: Path
) -> None:
    path = recipe(12, total=10, **share(0.5))
    assert weft("plan", path)[0] == 0
    assert weft("build", path, "--out", tmp_path / "corpus", "--engine", "local")[0] == 0
    code, page, _ = weft("audit", tmp_path / "corpus")
    assert code == 0 and "every item and every second is accounted for" in page


def test_a_source_of_few_speakers_is_named_with_the_share_that_they_may_fill(
    weft: Weft, recipe: Callable[..., str]
) -> None:
    by = {"by": [{"source": {"read": 1, "few": 1}}]}
    code, page, _ = weft("plan", recipe(12, 1, total=4, **share(0.2, **by)))
    wanted = (
        "the 1 speaker of speech/few may fill 0.2 of task speech (`most: {speaker: 0.2}`), 0.2 of it together, and speech/few is due "
        "0.5 of it; it takes 3 speakers, `most: {speaker: 0.5}`, or a share of 0.2"
    )
    assert code == 1 and wanted in page


@pytest.mark.parametrize(("space", "speakers"), [("", 6), ("people", 3)])
def test_one_name_in_two_sources_is_two_speakers_unless_they_share_a_space(
    weft: Weft, recipe: Callable[..., str], tmp_path: Path, space: str, speakers: int
) -> None:
    """The plan counts them so, and the build too, which finds them where the listing does not say who speaks."""
    path = recipe(3, 3, space=space, total=10, **share(0.1))
    code, page, _ = weft("plan", path)
    assert code == 1 and f"the {speakers} speakers of speech may fill 0.1 of task speech each" in page
    enough = recipe(3, 3, space=space, total=12, **share(0.9))  # in whatever order the keys put the clips
    assert weft("plan", enough)[0] == 0
    assert weft("build", enough, "--out", tmp_path / "corpus", "--engine", "local")[0] == 0
    orders = (tmp_path / "corpus/order/speech/pass-0" / f"{source}.parquet" for source in ("read", "few"))
    assert len({name for order in orders for name in pq.read_table(order)["speaker"].to_pylist()}) == speakers
    assert weft("audit", tmp_path / "corpus")[0] == 0


def test_speakers_who_hold_too_little_for_their_bounds_are_reported_by_plan(
    weft: Weft, recipe: Callable[..., str]
) -> None:
    code, page, _ = weft("plan", recipe(11, total=1000, **share(0.11)), "--json")
    there = json.loads(page)["sources"]["read"]["seconds"]
    path = recipe(
        11, total=round(0.99 * there, 1), **share(0.11)
    )  # of 11 speakers, one has two clips and may give less
    code, page, _ = weft("plan", path)
    assert code == 1 and "under `most: {speaker: 0.11}` in 1 pass; add speakers, raise `most`" in page
    code, page, _ = weft("plan", path, "--json")
    (task,) = json.loads(page)["stages"]["pre"]
    assert code == 1 and task["speakers_give"] == pytest.approx(0.94 * there, rel=0.01)
    assert json.loads(page)["sources"]["read"]["speakers"] == 11
    assert weft("plan", recipe(11, total=round(0.9 * there, 1), **share(0.11)))[0] == 0


def test_what_is_certain_from_the_headers_is_not_built(weft: Weft, recipe: Callable[..., str], tmp_path: Path) -> None:
    path = recipe(12, total=100_000, shares={"speech": 1})
    code, _, wrong = weft("build", path, "--out", tmp_path / "corpus", "--engine", "local")
    assert code == 1 and "too little data: stage pre declares 100,000 seconds" in wrong and "nothing was built" in wrong


def test_the_audit_of_a_refused_plan_gives_the_reason_and_no_command_that_does_not_help(
    weft: Weft, recipe: Callable[..., str], tmp_path: Path
) -> None:
    path, corpus = recipe(12, total=60, shares={"speech": 1}), tmp_path / "corpus"
    code, _, wrong = weft("build", path, "--out", corpus, "--engine", "local")
    assert code == 1 and "speech/read ran out after 12 samples in 1 pass" in wrong
    code, page, _ = weft("audit", corpus)
    flat = " ".join(page.split())
    assert (
        code == 1
        and "speech/read ran out after 12 samples in 1 pass over its data" in flat
        and "add data, lower `total`" in flat
    )
    assert "--verify" not in flat and flat.count("broken:") == 1
    code, _, wrong = weft("train", path, "--corpus", corpus, "--out", tmp_path / "run")
    assert code == 2 and "no shards for stage 'pre'; stage 'pre': speech/read ran out after 12 samples" in wrong
    path = recipe(12, total=10, shares={"speech": 1})
    assert weft("build", path, "--out", corpus, "--engine", "local")[0] == 0
    assert weft("audit", corpus)[0] == 0 and not list((corpus / "plan").glob("*refused*"))


def test_no_pass_is_composed_that_cannot_help(
    weft: Weft, recipe: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`weft plan` may not know the speakers; the build finds out from the first pass."""
    path, corpus = recipe(3, total=10, **share(0.1), exhausted="repeat", passes=90), tmp_path / "corpus"
    monkeypatch.setattr(building, "show_shortages", lambda pipeline, store: None)
    code, _, wrong = weft("build", path, "--out", corpus, "--engine", "local")
    assert code == 1 and VAIN.format("/read", "/read") in wrong
    assert not (corpus / "compose" / "speech" / "pass-1").exists()
