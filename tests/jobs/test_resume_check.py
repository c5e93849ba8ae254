"""What began from weights that change is told before any stage is trained. The folders of the runs are made here, without weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from weft.jobs.resume_check import check_resumed
from weft.schemas.faults import RecipeError
from weft.schemas.fingerprint import digest
from weft.schemas.recipe import Recipe
from weft.trainer import runs, sums
from weft.trainer.checkpoint import RunOrigin, State
from weft.trainer.run_setup import decisive_settings
from weft.trainer.stream import StreamState

STEPS = {"base": 4, "judge": 4, "other": 4, "sft": 4, "rl": 4, "final": 0}


def recipe() -> Recipe:
    def stage(model: dict[str, Any], **more: Any) -> dict[str, Any]:
        mixture = {"unit": "samples", "total": 8, "shares": {"text": 1}}
        learns = {"optimiser": {"lr": 1e-3, "batch_tokens": 128}, **more}
        return {"mixture": mixture, "context": 128, "model": model, **learns}

    rewards = [{"use": "learned", "stage": "judge"}]
    objective = {"use": "grpo", "prompts": 4, "group": 2, "rewards": rewards, "sampling": {"new_tokens": 6}}
    new = {"config": {"model_type": "llama"}}
    return Recipe.model_validate(
        {
            "name": "resumed",
            "sources": {"own": {"use": "text", "path": "text"}},
            "tasks": {"text": {"use": "text", "sources": ["own"]}},
            "training": {
                "base": stage(new),
                "judge": stage(new, objective={"use": "reward"}),
                "other": stage(new),
                "sft": stage({"start": "base"}),
                "rl": stage({"start": "sft"}, optimiser={"lr": 1e-3}, objective=objective),
            },
            "merges": {"final": {"sft": 1, "rl": 1}},
        }
    )


def weights_of(run: Path, name: str) -> dict[str, str]:
    return sums.weights(runs.start_of(run, name))


def trained(run: Path, name: str, weights: str = "") -> None:
    """A folder as the stage leaves it after 4 steps, from what its start left."""
    settings, folder = recipe().training[name], run / name / "checkpoints/step-000004"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_text(name + weights)
    start, judges = settings.model.start, ["judge"] if name == "rl" else []
    models = {"reward_models": {judge: digest(weights_of(run, judge)) for judge in judges}} if judges else {}
    origin = RunOrigin(
        vocabulary="",
        index="",
        seed=recipe().seed,
        settings=decisive_settings(settings, (), {}) | models,
        start=digest(weights_of(run, start)) if start else "",
    )
    state = State(stream=StreamState(draw=8, step=4), origin=origin)
    (folder / "state.json").write_text(state.to_json())
    sums.write(folder)
    runs.end(run / name, folder)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for name in ("base", "judge", "other", "sft", "rl"):
        trained(tmp_path, name)
    parts = [{"name": name, "weight": 1, "sha256": weights_of(tmp_path, name)} for name in ("sft", "rl")]
    (tmp_path / "final").mkdir()
    (tmp_path / "final/merge.json").write_text(json.dumps({"parts": parts}))
    sums.write(tmp_path / "final")
    return tmp_path


def test_a_run_that_has_ended_goes_on(run: Path) -> None:
    check_resumed(recipe(), run, STEPS)


@pytest.mark.parametrize(
    ("removed", "stale"),
    [("base", ["sft", "rl", "final"]), ("judge", ["rl", "final"]), ("rl", ["final"]), ("other", []), ("final", [])],
)
def test_what_began_from_a_stage_that_is_trained_anew_is_to_be_removed(
    run: Path, removed: str, stale: list[str]
) -> None:
    """Followed, it says no more."""
    shutil.rmtree(run / removed / "checkpoints" if removed != "final" else run / removed)
    if stale:
        folders = ", ".join(str(run / name) for name in stale)
        sentence = (
            f"training.{removed} is trained anew, since {run / removed} has no checkpoint, and {', '.join(stale)} began"
        )
        with pytest.raises(RecipeError) as told:
            check_resumed(recipe(), run, STEPS)
        assert sentence in str(told.value) and f"remove {folders} to train them again" in str(told.value)
    for name in stale:
        shutil.rmtree(run / name)
    check_resumed(recipe(), run, STEPS)


@pytest.mark.parametrize(
    ("again", "stale"), [("base", ["sft", "rl", "final"]), ("judge", ["rl", "final"]), ("rl", ["final"])]
)
def test_what_began_from_other_weights_than_its_start_has_is_to_be_removed(
    run: Path, again: str, stale: list[str]
) -> None:
    """As after `--stage base` with another rate."""
    trained(run, again)
    check_resumed(recipe(), run, STEPS)  # the same weights
    trained(run, again, weights="of another rate")
    with pytest.raises(RecipeError, match=f"{again} was trained anew, and {', '.join(stale)} began from the weights"):
        check_resumed(recipe(), run, STEPS)


def test_a_stage_that_was_killed_as_it_was_trained_anew(run: Path) -> None:
    runs.reopen(run / "base")
    check_resumed(recipe(), run, STEPS)  # nothing is left to train
    with pytest.raises(RecipeError, match=r"training\.base has steps left to train, and sft, rl, final began"):
        check_resumed(recipe(), run, {**STEPS, "base": 5})


def test_the_start_alone_is_trained_again(run: Path) -> None:
    """Where its checkpoint was damaged: the same training gives the same weights."""
    shutil.rmtree(run / "base/checkpoints")
    check_resumed(recipe(), run, {"base": 4})
