"""Sums of an evaluation against those of the samples one by one, computed in another way."""

from collections import defaultdict
from collections.abc import Callable
from math import log

import pytest
import torch

from weft.schemas.training import ModelSettings, TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.evaluation.conditions import Contents
from weft.trainer.evaluation.held_out import HeldOut
from weft.trainer.evaluation.measuring import ConditionLoss, EvaluationSettings, measure
from weft.trainer.evaluation.seconds import token_seconds
from weft.trainer.finite import Diverged
from weft.trainer.model import build
from weft.trainer.models.network import Network

TEXT, CODES = set(range(1, 20)), set(range(22, 32))


@pytest.fixture
def network(llama: dict[str, object]) -> Network:
    return Network(build(ModelSettings(config={**llama, "attention_dropout": 0.3}), 48, 0)).train()


def one_by_one(network: Network, held_out: HeldOut) -> dict[str, list[float]]:
    """nats, tokens, timed nats and seconds of each condition: each piece of 16 tokens of each sample by itself."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0, 0.0, 0.0])
    for draw, record in zip(
        held_out.reader.pick(held_out.positions), held_out.reader.records_of(held_out.positions), strict=True
    ):
        seconds = token_seconds(record, len(draw.ids))
        for first in range(0, len(draw.ids), 16):
            ids = draw.ids[first : first + 16].tolist()
            with torch.no_grad():
                chances = network.lm(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
            for t in range(1, len(ids)):
                if any(begin <= first + t < end for begin, end in draw.loss.tolist()):
                    is_speech = ids[t] in CODES or ids[t] == 21
                    is_given = bool(set(ids[:t]) & (TEXT if is_speech else CODES))
                    own, other = ("speech", "text") if is_speech else ("text", "speech")
                    entry = sums[f"{own} given {other}" if is_given else own]
                    nats = -float(chances[t - 1, ids[t]])
                    timed = float(seconds[first + t])
                    for n, value in enumerate((nats, 1, nats if timed else 0.0, timed)):
                        entry[n] += value
    return sums


@pytest.mark.parametrize("forward_tokens", [16, 64, 8192])
def test_the_sums_are_those_of_the_samples_one_by_one(
    network: Network, choose_held_out: Callable[..., HeldOut], spoken_vocabulary: Vocabulary, forward_tokens: int
) -> None:
    held_out, done = choose_held_out(), []
    how = EvaluationSettings(contents=Contents.of(spoken_vocabulary), forward_tokens=forward_tokens)
    figures = measure(network, held_out, how, done.append)
    assert network.training and sum(done) == held_out.tokens
    network.eval()
    expected = one_by_one(network, held_out)
    assert figures.keys() == expected.keys() == {"text", "speech", "text given speech", "speech given text"}
    for name, figure in figures.items():
        nats, tokens, timed_nats, seconds = expected[name]
        assert figure.tokens == tokens
        assert (figure.nats, figure.timed_nats) == pytest.approx((nats, timed_nats), rel=1e-6)
        assert figure.seconds == pytest.approx(seconds, rel=1e-9)


def test_it_is_measured_in_the_precision_of_the_stage(
    network: Network,
    choose_held_out: Callable[..., HeldOut],
    spoken_vocabulary: Vocabulary,
    make_stage: Callable[..., TrainingStage],
) -> None:
    settings = EvaluationSettings(contents=Contents.of(spoken_vocabulary))
    fine, coarse = (measure(network, choose_held_out(), settings.of(make_stage(d))) for d in ("float32", "bfloat16"))
    for name, figure in fine.items():
        assert figure.nats != coarse[name].nats == pytest.approx(figure.nats, rel=0.01)


def test_bits_a_second_are_of_the_tokens_that_stand_for_speech() -> None:
    figure = ConditionLoss(nats=100.0, tokens=50, timed_nats=log(2) * 30, seconds=2.0)
    assert figure.per_token == 2.0 and figure.bits_per_second == pytest.approx(15.0)
    assert ConditionLoss(nats=100.0, tokens=50, timed_nats=0.0, seconds=0.0).bits_per_second is None


def test_a_loss_that_is_not_finite_is_named(
    network: Network, choose_held_out: Callable[..., HeldOut], spoken_vocabulary: Vocabulary
) -> None:
    with torch.no_grad():
        network.lm.get_input_embeddings().weight[25].fill_(float("nan"))
    with pytest.raises(Diverged, match="the loss of speech on held-out samples is not finite"):
        measure(
            network, choose_held_out(("speech", "text")), EvaluationSettings(contents=Contents.of(spoken_vocabulary))
        )
