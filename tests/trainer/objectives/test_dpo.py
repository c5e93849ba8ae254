"""Pairs are compared by the log-probabilities of their counted tokens, against the weights that the stage starts from."""

import copy
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from weft.schemas.objectives import Dpo
from weft.schemas.training import ModelSettings, TrainingStage
from weft.schemas.vocabulary import Codebook, Marker, Vocabulary
from weft.trainer import losses
from weft.trainer.loader import DrawReader
from weft.trainer.model import build
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Rows, micro_rows, rows_of
from weft.trainer.objectives.dpo import DpoObjective
from weft.trainer.stream import Batch, BatchStream, StreamState
from weft.trainer.train import train

# text 0 to 19, then a marker and 20 codes
VOCABULARY = Vocabulary(
    text_size=20, bos=None, markers=(Marker(name="speech", literal="[S]", id=20, modality="speech"),),
    codebooks=(Codebook(tokenizer="fsq", literal="<{}>", first=21, size=20),), size=48, text_fingerprint="toy",
)  # fmt: skip
CHOSEN, REJECTED = [1, 2, 3, 20, 25, 26, 4], [1, 2, 5, 20, 30, 31, 32, 6]
PAIRS = [
    ("dpo", CHOSEN + REJECTED, (2, 7, 9, 15), (7,)),
    ("dpo", [7, 8, 9, 10, 7, 8, 11], (2, 4, 6, 7), (4,)),
]


@pytest.fixture
def network(llama: dict[str, object]) -> Network:
    return Network(build(ModelSettings(config=llama), 48, 0))


@pytest.fixture
def batch(make_shards: Callable[..., Path]) -> Batch:
    return next(BatchStream(DrawReader(make_shards(PAIRS)), 32, 2).batches(StreamState()))


def rows(batch: Batch) -> Rows:
    return rows_of(batch, slice(None), torch.device("cpu"))


def chances(network: Network, ids: list[int], begin: int, text: bool) -> torch.Tensor:
    """The log-probability of the tokens of an answer, with a gradient."""
    scores = network.lm(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
    return torch.stack([scores[t - 1, ids[t]] for t in range(begin, len(ids)) if not text or ids[t] < 20]).sum()


def log_chance(network: Network, ids: list[int], begin: int, text: bool) -> float:
    """The same as a number."""
    with torch.no_grad():
        return float(chances(network, ids, begin, text))


def moved(network: Network) -> None:
    with torch.no_grad():
        for number, weight in enumerate(network.parameters()):
            weight += 0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(number))


@pytest.mark.parametrize("count", ["text", "all"])
def test_the_loss_is_that_of_the_paper(network: Network, batch: Batch, count: str) -> None:
    objective = DpoObjective(settings=Dpo(use="dpo", beta=0.3, count=count), vocabulary=VOCABULARY, dtype="float32")
    objective.begin(network)
    answers = [(CHOSEN, REJECTED, 2), ([7, 8, 9, 10], [7, 8, 11], 2)]
    before = [[log_chance(network, ids, begin, count == "text") for ids in two] for *two, begin in answers]
    moved(network)
    after = [[log_chance(network, ids, begin, count == "text") for ids in two] for *two, begin in answers]
    margins = [0.3 * ((new[0] - old[0]) - (new[1] - old[1])) for new, old in zip(after, before, strict=True)]
    loss, sums = objective.loss(network, rows(batch), 1)
    assert loss.item() == pytest.approx(sum(math.log1p(math.exp(-m)) for m in margins), rel=1e-4)
    assert (sums.counts.tolist(), objective.units(batch)) == ([2], 2)
    assert sums.metrics["margin"][0] == pytest.approx(sum(margins), rel=1e-4)
    assert sums.metrics["accuracy"][0] == sum(m > 0 for m in margins)


@pytest.mark.parametrize("count", ["text", "all"])
def test_the_gradient_is_that_of_answers_one_by_one(
    network: Network, count: str, make_shards: Callable[..., Path]
) -> None:
    """In micro-batches of one row, against plain torch on each document alone; the reference has none."""
    pairs = [PAIRS[n % 2] for n in range(5)]
    batch = next(BatchStream(DrawReader(make_shards(pairs)), 32, 8).batches(StreamState()))
    objective = DpoObjective(settings=Dpo(use="dpo", beta=0.3, count=count), vocabulary=VOCABULARY, dtype="float32")
    objective.begin(network)
    reference = copy.deepcopy(network)
    moved(network)
    by_hand = []
    for _, ids, _, (bound,) in pairs:
        ratios = []
        for document in (ids[:bound], ids[bound:]):
            new, old = (chances(one, document, begin=2, text=count == "text") for one in (network, reference))
            ratios.append(new - old.detach())
        by_hand.append((1 + (-0.3 * (ratios[0] - ratios[1])).exp()).log())
    expected = torch.stack(by_hand).mean()
    parts = [objective.loss(network, rows, 1)[0] for rows in micro_rows(batch, torch.device("cpu"), tokens=32)]
    assert len(parts) > 1
    loss = sum(parts, torch.zeros(())) / objective.units(batch)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    weights = list(network.parameters())
    for one, other in zip(torch.autograd.grad(loss, weights), torch.autograd.grad(expected, weights), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def test_audio_tokens_have_no_gradient_of_their_own(network: Network, batch: Batch) -> None:
    """With `count: text` the output weights of codes change the loss only through the softmax of text positions."""
    objective = DpoObjective(settings=Dpo(use="dpo"), vocabulary=VOCABULARY, dtype="float32")
    objective.begin(network)
    seen: list[torch.Tensor] = []
    network.lm.get_output_embeddings().register_full_backward_hook(lambda _, __, out: seen.append(out[0]))
    loss, _ = objective.loss(network, rows(batch), 1)
    loss.backward()
    positions = [[1, 5, 8, 13], [1, 2, 5]]  # those whose next token is counted text
    kept = sum(int((part.abs().sum(-1) > 0).sum()) for part in seen)
    assert kept == sum(map(len, positions))


def test_at_the_start_the_loss_is_log_2(network: Network, batch: Batch) -> None:
    objective = DpoObjective(settings=Dpo(use="dpo"), vocabulary=VOCABULARY, dtype="float32")
    objective.begin(network)
    loss, sums = objective.loss(network, rows(batch), 1)
    assert loss.item() == pytest.approx(2 * math.log(2))
    assert sums.metrics["accuracy"].tolist() == [0]


def test_the_reference_has_no_dropout(llama: dict[str, object], batch: Batch) -> None:
    network = Network(build(ModelSettings(config={**llama, "attention_dropout": 0.9}), 48, 0)).train()
    objective = DpoObjective(settings=Dpo(use="dpo"), vocabulary=VOCABULARY, dtype="float32")
    objective.begin(network)
    loss, _ = objective.loss(network.eval(), rows(batch), 1)
    assert loss.item() == pytest.approx(2 * math.log(2))


def test_a_stage_compares_without_dropout(
    make_stage: Callable[..., TrainingStage], make_shards: Callable[..., Path], llama: dict[str, object], tmp_path: Path
) -> None:
    """As it starts the policy is the reference: a difference would be the noise of the dropout."""
    record = {**make_stage(steps=1).model_dump(), "objective": {"use": "dpo"}}
    record["model"] = {"config": {**llama, "attention_dropout": 0.9}}
    stage = TrainingStage.model_validate(record)
    train(make_shards(PAIRS * 3), tmp_path / "run", stage, VOCABULARY, "", 0, False, lambda _: None)
    row = next(losses.read(tmp_path / "run"))
    assert row.loss == pytest.approx(math.log(2)) and row.metrics == {"accuracy": 0.0, "margin": 0.0}


def test_an_answer_without_text_is_refused(network: Network, make_shards: Callable[..., Path]) -> None:
    pairs = [("dpo", [1, 2, 25, 26, 1, 2, 5], (2, 4, 6, 7), (4,))]
    batch = next(BatchStream(DrawReader(make_shards(pairs)), 32, 2).batches(StreamState()))
    objective = DpoObjective(settings=Dpo(use="dpo"), vocabulary=VOCABULARY, dtype="float32")
    objective.begin(network)
    with pytest.raises(ValueError, match="an answer of a pair has no token that counts"):
        objective.loss(network, rows(batch), 1)
