"""A stage that does not go on where those before it ended is a fault of the audit, whatever else its plan says of itself."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from weft.pipelines.mixing.drawn_rows import faults_of_draws
from weft.pipelines.mixing.plan import plan, plan_validation
from weft.pipelines.mixing.stream_audit import StreamAudit
from weft.pipelines.storage.store import Store
from weft.schemas.plan import VALIDATION, VALIDATION_STAGE
from weft.schemas.training import TrainingStage

Training = Callable[..., TrainingStage]


@pytest.fixture
def stages(store: Store, composed: Any, training: Training) -> Callable[..., TrainingStage]:
    """Plans a stage of 70 samples, and then one of 60 that goes on in its data, or `after` others."""

    def planned(after: Sequence[str] = ("one",), **mixture: Any) -> TrainingStage:
        for n in range(2):
            composed.add("a", [[(5, 1.0, ("en", "fr")[i % 2], "", f"s{i % 4}") for i in range(30)]] * 3, n, source="x")
        plan(store, composed.plan_request(training(unit="samples", total=70, shares={"a": 1}), "one"), {})
        shares = mixture.pop("shares", {"a": 1})
        stage = training(
            unit="samples", total=60, shares=shares, exhausted="repeat", passes=2, after=["one"], **mixture
        )
        plan(store, composed.plan_request(stage, "two", after=tuple(after)), {})
        return stage

    return planned


@pytest.mark.parametrize(
    "shares",
    [
        {"a": 1},
        {"a": {"weight": 1, "by": [{"language": {"en": 2, "fr": 1}}]}},
        {"a": {"weight": 1, "most": {"speaker": 0.3}}},
    ],
    ids=["whole", "by language", "bounded speakers"],
)
def test_a_stage_that_goes_on_where_the_one_before_ended(
    stages: Callable[..., TrainingStage], store: Store, shares: dict[str, Any]
) -> None:
    stages(shares=shares)
    assert [*faults_of_draws(store, "one", ()), *faults_of_draws(store, "two", ("one",))] == []


def test_a_plan_that_starts_at_zero_repeats_what_was_drawn(stages: Callable[..., TrainingStage], store: Store) -> None:
    stage = stages(after=())
    (damage,) = StreamAudit(store, "two", stage, before=("one",)).misplaced_draws()
    assert str(damage).startswith(
        "plan/two-tars.parquet draws 60 samples of a/x (such as row 0 of pass 0) that are not next in turn behind what one drew; "
    )
    assert [*StreamAudit(store, "two", stage).misplaced_draws()] == []  # where it is to start at zero


def test_a_plan_that_goes_on_behind_what_it_should_draw_drops_samples(
    stages: Callable[..., TrainingStage], store: Store
) -> None:
    stages()
    (fault,) = faults_of_draws(store, "two", ())
    assert fault == "passes over 70 samples of a/x (such as row 0 of pass 0) that are next in turn"


def test_what_is_held_out_is_drawn_from_its_beginning(store: Store, composed: Any) -> None:
    composed.add("a", [[(5, 1.0)] * 7], VALIDATION, source="x")
    plan_validation(store, [("a", "x")], {})
    assert [*faults_of_draws(store, VALIDATION_STAGE, ())] == []
