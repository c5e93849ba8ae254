"""Pairs whose chosen answer is the likelier, against the two documents of each pair taken one by one."""

from pathlib import Path

import pytest
import torch

from weft.schemas.recipe import Recipe
from weft.schemas.training import ModelSettings
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.evaluation.conditions import Contents
from weft.trainer.evaluation.held_out import HeldOut, HeldOutChoice, choose
from weft.trainer.evaluation.measuring import EvaluationSettings
from weft.trainer.evaluation.preferences import Preferred, counted_in_pairs, preferred
from weft.trainer.model import build
from weft.trainer.models.network import Network

STAGE = {
    "mixture": {"total": 10, "shares": {"pairs": 1}}, "context": 24, "model": {"config": {"model_type": "llama"}},
    "optimiser": {"lr": 1e-2, "batch_tokens": 24},
}  # fmt: skip


@pytest.fixture
def pairs(spoken_shards: Path) -> HeldOut:
    held_out = choose(spoken_shards, HeldOutChoice(tasks=("pairs", "text"), samples=5, context=24, pairs=True))
    assert held_out
    return held_out


@pytest.fixture
def network(llama: dict[str, object]) -> Network:
    return Network(build(ModelSettings(config={**llama, "attention_dropout": 0.3}), 48, 3)).train()


def recipe(**objective: object) -> Recipe:
    task = {"use": "text", "sources": ["own"]}
    stage = {**STAGE, "objective": objective}
    return Recipe.model_validate(
        {"name": "toy", "sources": {"own": {"use": "text"}}, "tasks": {"pairs": task}, "training": {"last": stage}}
    )


@torch.no_grad()
def likelihoods(network: Network, pairs: HeldOut, counted: torch.Tensor) -> list[tuple[float, float]]:
    """Of the chosen and the rejected answer of each pair, each document by itself."""
    made = []
    for draw in pairs.reader.pick(pairs.positions):
        (middle,) = draw.bounds.tolist()
        sums = []
        for begin, end in ((0, middle), (middle, len(draw.ids))):
            ids = torch.tensor(draw.ids[begin:end].tolist())
            chances = network.lm(input_ids=ids[None]).logits[0].double().log_softmax(-1)
            answer = [t for first, last in draw.loss.tolist() for t in range(first - begin, last - begin)]
            sums.append(sum(float(chances[t - 1, ids[t]]) for t in answer if 0 < t < len(ids) and counted[ids[t]]))
        made.append((sums[0], sums[1]))
    return made


@pytest.mark.parametrize(
    "objective", [{"use": "reward"}, {"use": "dpo", "count": "text"}, {"use": "dpo", "count": "all"}]
)
def test_the_chosen_is_likelier_by_the_tokens_that_dpo_counts(
    network: Network, pairs: HeldOut, spoken_vocabulary: Vocabulary, objective: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    counted = counted_in_pairs(recipe(**objective), spoken_vocabulary)
    assert list(counted) == (["pairs"] if objective["use"] == "dpo" else [])
    ids = counted.get("pairs", torch.ones(48, dtype=torch.bool))
    assert [bool(ids[id_]) for id_ in (1, 22)] == [True, objective.get("count") != "text"]  # a word and a code
    how = EvaluationSettings(contents=Contents.of(spoken_vocabulary), forward_tokens=48)
    if objective.get("count") == "text":  # no word is in the chosen answers of these pairs
        with pytest.raises(ValueError, match="an answer of a pair has no token that counts"):
            preferred(network, pairs, counted, how)
        return
    made = preferred(network, pairs, counted, how)
    assert network.training
    network.eval()
    expected = likelihoods(network, pairs, ids)
    assert made == Preferred(right=sum(one > other for one, other in expected), pairs=5)
    assert made.share == made.right / 5


def test_pairs_of_a_task_that_no_dpo_learns_from_count_whole(
    network: Network, pairs: HeldOut, spoken_vocabulary: Vocabulary
) -> None:
    """A reward model may learn from answers without any text beside a DPO of text."""
    text_alone = counted_in_pairs(recipe(use="dpo", count="text"), spoken_vocabulary)
    how = EvaluationSettings(contents=Contents.of(spoken_vocabulary), forward_tokens=48)
    assert preferred(network, pairs, {"others": text_alone["pairs"]}, how) == preferred(network, pairs, {}, how)
