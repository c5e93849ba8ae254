"""The work from composed samples to planned streams."""

from collections.abc import Sequence
from typing import Any

import pytest

from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.mixing.stream_works import first_orders, plan_works
from weft.schemas.recipe import Recipe

PARTS = {"read": 2, "given": 1}


def stage(*after: str, passes: int = 3) -> dict[str, Any]:
    mixture = {
        "unit": "tokens",
        "total": 100,
        "shares": {"words": 1},
        "exhausted": "repeat",
        "passes": passes,
        "after": list(after),
    }
    return {"mixture": mixture, "context": 64, "model": {"base": "none"}, "optimiser": {"lr": 1e-4, "batch_tokens": 64}}


@pytest.fixture
def pipeline() -> Pipeline:
    hold_out = {"hold_out": {"items": 0.5}}
    return Pipeline(
        Recipe.model_validate(
            {
                "sources": {
                    "read": {"use": "folder", "path": "/corpora", **hold_out},
                    "given": {"use": "folder", "path": "/corpora"},
                },
                "name": "streams",
                "tokenizers": {"hubert": {"use": "hubert"}},
                "tasks": {"words": {"use": "words", "stream": "hubert", "sources": ["read", "given"]}},
                "training": {"two": stage("one"), "one": stage()},
            }
        )
    )


def test_each_first_pass_is_ordered_and_what_is_held_out(pipeline: Pipeline) -> None:
    orders = [work.node for work in first_orders(pipeline, PARTS)]
    assert orders == ["order/words/pass-0/read", "order/words/pass-0/given", "order/words/validation/read"]


def test_passes_are_added_until_none_is_short(pipeline: Pipeline) -> None:
    asked: list[dict[tuple[str, str], int]] = []

    def short(request: PlanRequest) -> Sequence[tuple[str, str]]:
        asked.append(dict(request.passes))
        return [("words", "given")] if request.name == "one" and len(asked) < 3 else []

    steps = [[work.node for work in works] for works in plan_works(pipeline, PARTS, short)]
    assert steps == [
        ["compose/words/pass-1/given", "order/words/pass-1/given"],
        ["compose/words/pass-2/given", "order/words/pass-2/given"],
        ["plan/one"],
        ["plan/two"],
        ["plan/validation"],
    ]
    assert [passes["words", "given"] for passes in asked] == [1, 2, 3, 3]
    assert {passes["words", "read"] for passes in asked} == {1}
