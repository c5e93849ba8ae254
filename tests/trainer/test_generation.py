"""Replies are what a full forward would give: with latents, beside longer prompts, at any temperature."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.trainer.toys import draw
from weft.schemas.training import ModelSettings
from weft.trainer.generation import Continuation, Decoding, continuations
from weft.trainer.latents import LatentSpan
from weft.trainer.loader import Draw
from weft.trainer.model import build
from weft.trainer.models.adaptor import Adaptor
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import rows_of
from weft.trainer.objectives.log_probs import token_log_probs
from weft.trainer.replies import PromptSample
from weft.trainer.rollouts import rows_after

CPU = torch.device("cpu")


class Ramp:
    """Frames that are the samples themselves, four a frame."""

    width, stride = 4, 2

    def encode(self, member: np.ndarray) -> np.ndarray:
        return member[: len(member) // 4 * 4].reshape(-1, 4)


ENCODERS = {"audio": Ramp()}


@pytest.fixture
def network(llama: dict[str, object]) -> Network:
    torch.manual_seed(1)
    made = Network(build(ModelSettings(config=llama), 48, 0), adaptor=Adaptor(width=4, embedding=32))
    with torch.no_grad():  # so that the likeliest token is not always the one before
        for number, weight in enumerate(made.parameters()):
            weight += 0.2 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(number))
    return made


@pytest.fixture
def prompts() -> list[Draw]:
    samples = np.random.default_rng(0).standard_normal(32).astype(np.float32)
    listens = LatentSpan(modality="audio", begin=2, end=6, member=samples)
    return [draw([3, 4, 5]), draw([6, 7, 40, 40, 40, 40, 8, 9], 1, (listens,)), draw([9], 2)]


def full_forward(network: Network, prompt: Draw, ids: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """The log-probabilities of a continuation by one forward without a cache, with the loss's own functions."""
    rows = rows_after([PromptSample(draw=prompt, key="", answer="")], [ids], ["ask"])
    with torch.no_grad():
        chances_BT = token_log_probs(network, rows_of(rows, slice(None), CPU, ENCODERS), temperature)
    return chances_BT[0, len(prompt.ids) :].numpy()


def go(network: Network, prompts: list[Draw], **decoding: Any) -> list[Continuation]:
    settings = Decoding(**{"new_tokens": 12, "ends": (20,), **decoding})
    return continuations(network, prompts, settings, [7 + prompt.position for prompt in prompts], ENCODERS)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_log_probabilities_are_those_of_a_full_forward(
    network: Network, prompts: list[Draw], temperature: float
) -> None:
    for prompt, one in zip(prompts, go(network, prompts, temperature=temperature), strict=True):
        assert one.log_probs == pytest.approx(full_forward(network, prompt, one.ids, temperature), abs=1e-4)


def test_without_a_temperature_each_token_is_the_likeliest(network: Network, prompts: list[Draw]) -> None:
    for prompt, one in zip(prompts, go(network, prompts, temperature=0.0), strict=True):
        for length in range(len(one.ids)):
            chances = [full_forward(network, prompt, np.append(one.ids[:length], other))[-1] for other in range(48)]
            assert int(np.argmax(chances)) == one.ids[length]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_reply_does_not_depend_on_the_others(network: Network, prompts: list[Draw], temperature: float) -> None:
    together = go(network, prompts, temperature=temperature)
    for prompt, one in zip(prompts, together, strict=True):
        (alone,) = go(network, [prompt], temperature=temperature)
        assert alone.ids.tolist() == one.ids.tolist() and alone.ended == one.ended


def test_tokens_are_drawn_as_often_as_they_are_likely(network: Network, prompts: list[Draw]) -> None:
    times, count = np.zeros(48), 3000
    settings = Decoding(new_tokens=1, ends=(20,))
    for one in continuations(network, [prompts[0]] * count, settings, range(count), ENCODERS):
        times[one.ids[0]] += 1
    chances = np.exp([full_forward(network, prompts[0], np.array([token]))[0] for token in range(48)])
    assert np.abs(times / count - chances).max() < 0.03


def test_top_p_leaves_out_what_is_unlikely(network: Network, prompts: list[Draw]) -> None:
    chances = np.exp([full_forward(network, prompts[0], np.array([token]))[0] for token in range(48)])
    order = np.argsort(-chances)
    likeliest = set(order[: int(np.searchsorted(np.cumsum(chances[order]), 0.3)) + 1].tolist())
    settings = Decoding(new_tokens=1, ends=(20,), top_p=0.3)
    drawn = continuations(network, [prompts[0]] * 200, settings, range(200), ENCODERS)
    assert {int(one.ids[0]) for one in drawn} == likeliest


def test_a_reply_stops_at_the_end_of_its_turn(network: Network, prompts: list[Draw]) -> None:
    first = go(network, prompts, temperature=0.0)[0]
    assert not first.ended and len(first.ids) == 12
    end = int(first.ids[4])
    (cut,) = go(network, prompts[:1], temperature=0.0, ends=(end,))
    stop = first.ids.tolist().index(end) + 1
    assert cut.ended and cut.ids.tolist() == first.ids[:stop].tolist() and len(cut.log_probs) == stop


def test_a_reply_stops_at_any_end(network: Network, prompts: list[Draw]) -> None:
    """As transformers generates with a checkpoint: at the end of the turn, and at that of a text."""
    first = go(network, prompts, temperature=0.0)[0].ids.tolist()
    places = sorted(first.index(token) for token in set(first))
    one, other = first[places[1]], first[places[3]]
    for ends in ((one, other), (other, one)):
        (cut,) = go(network, prompts[:1], temperature=0.0, ends=ends)
        assert cut.ended and cut.ids.tolist() == first[: places[1] + 1] and len(cut.log_probs) == len(cut.ids)


def test_settings_in_the_checkpoint_do_not_change_what_is_drawn(network: Network, prompts: list[Draw]) -> None:
    plain = go(network, prompts)
    network.lm.generation_config.repetition_penalty = 5.0
    network.lm.generation_config.no_repeat_ngram_size = 1
    network.lm.generation_config.suppress_tokens = [int(plain[0].ids[0])]
    assert [one.ids.tolist() for one in go(network, prompts)] == [one.ids.tolist() for one in plain]
    assert network.lm.generation_config.repetition_penalty == 5.0  # which the stage's checkpoints hold


def test_scores_that_are_not_finite_are_an_error(network: Network, prompts: list[Draw]) -> None:
    with torch.no_grad():
        network.lm.get_output_embeddings().weight[3, 3] = torch.nan
    with pytest.raises(FloatingPointError, match="not finite"):
        go(network, prompts)


def test_replies_are_sampled_without_dropout(llama: dict[str, object], prompts: list[Draw]) -> None:
    made = Network(build(ModelSettings(config={**llama, "attention_dropout": 0.9}), 48, 0), Adaptor(4, 32))
    plain = go(made.eval(), prompts)
    again = go(made.train(), prompts)
    assert made.training
    for one, other in zip(plain, again, strict=True):
        assert one.log_probs.tolist() == other.log_probs.tolist()
