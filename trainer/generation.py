"""The network goes on from prompts, with the cache of keys and values that transformers keeps.

continuations(network, prompts, Decoding(new_tokens=64, ends=(1518,)), seeds, encoders)   (Continuation(ids, log_probs, ended=True), …)

A token is drawn by the largest of its scores with Gumbel noise, which is sampling from their softmax. The noise of a row depends on its
seed alone, so a reply does not depend on which prompts it is generated with, but for rounding.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, TopPLogitsWarper

from weft.trainer.finite import Diverged
from weft.trainer.latents import placed
from weft.trainer.loader import Draw
from weft.trainer.models.encoders import NO_ENCODERS, FrozenEncoders, latents_of
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import autocast


@dataclass(frozen=True)
class Decoding:
    """At most `new_tokens`, up to the first of the ids `ends`, from the likeliest tokens that together have `top_p`.

    At `temperature` 0 the likeliest token is taken.
    """

    new_tokens: int
    ends: tuple[int, ...]
    temperature: float = 1.0
    top_p: float = 1.0
    dtype: str = "float32"


@dataclass(frozen=True, slots=True, eq=False)
class Continuation:
    """The ids (n,) int64 after a prompt, with the end where one came, and their log-probabilities (n,) float32 at the temperature."""

    ids: np.ndarray
    log_probs: np.ndarray
    ended: bool


@torch.no_grad()
def continuations(
    network: Network,
    prompts: Sequence[Draw],
    decoding: Decoding,
    seeds: Sequence[int],
    encoders: FrozenEncoders = NO_ENCODERS,
) -> list[Continuation]:
    """One for each prompt, generated together. Raises Diverged for scores that are not finite."""
    sampler = _Sampler(decoding, seeds, network.device)
    with _alone(network, decoding), autocast(network.device, decoding.dtype):
        states_BPE, mask_BP = _embedded(network, prompts, encoders)
        lm: Any = network.lm
        ids_BN = lm.generate(
            inputs_embeds=states_BPE, attention_mask=mask_BP, logits_processor=LogitsProcessorList([sampler])
        )
    log_probs_BN = torch.stack(sampler.log_probs, 1).cpu().numpy()
    return [
        _until(decoding.ends, ids, chances) for ids, chances in zip(ids_BN.cpu().numpy(), log_probs_BN, strict=True)
    ]


@contextmanager
def _alone(network: Network, decoding: Decoding) -> Iterator[None]:
    """Turns dropout off, and puts away how the checkpoint would generate: `generate` takes from it whatever else is not set."""
    own, was_training = network.lm.generation_config, network.training
    network.eval()
    network.lm.generation_config = GenerationConfig(
        max_new_tokens=decoding.new_tokens, do_sample=False, eos_token_id=list(decoding.ends), pad_token_id=decoding.ends[0],
    )  # fmt: skip
    try:
        yield
    finally:
        network.lm.generation_config = own
        network.train(was_training)


def _embedded(network: Network, prompts: Sequence[Draw], encoders: FrozenEncoders) -> tuple[Tensor, Tensor]:
    """Embeddings (B, P, E) of prompts that end together, and which are of a prompt, (B, P) int64."""
    longest = max(len(prompt.ids) for prompt in prompts)
    ids_BP, mask_BP = (np.zeros((len(prompts), longest), np.int64) for _ in range(2))
    for row, prompt in enumerate(prompts):
        ids_BP[row, longest - len(prompt.ids) :] = prompt.ids
        mask_BP[row, longest - len(prompt.ids) :] = 1
    places = [placed(p.stretches, 0, len(p.ids), longest - len(p.ids)) for p in prompts]
    latents = latents_of(places, longest, network.device, encoders)
    ids, mask = (torch.from_numpy(array).to(network.device) for array in (ids_BP, mask_BP))
    return network.embedded(ids, latents), mask


class _Sampler(LogitsProcessor):
    """Leaves one token of each row, drawn by the row's own generator, and notes its log-probability."""

    def __init__(self, decoding: Decoding, seeds: Sequence[int], device: torch.device) -> None:
        self._temperature = decoding.temperature
        self._top_p = TopPLogitsWarper(decoding.top_p) if decoding.top_p < 1 else None
        self._generators = [torch.Generator(device).manual_seed(seed % 2**63) for seed in seeds]
        self.log_probs: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        if not torch.isfinite(scores).all():
            raise Diverged("the scores of a reply's next token are not finite")
        scores_BV = scores.float() / (self._temperature or 1.0)
        chosen_B1 = self._drawn(input_ids, scores_BV).argmax(-1, keepdim=True)
        self.log_probs.append(scores_BV.log_softmax(-1).gather(1, chosen_B1).squeeze(1))
        return torch.full_like(scores_BV, -torch.inf).scatter_(1, chosen_B1, 0.0)

    def _drawn(self, input_ids: Tensor, scores_BV: Tensor) -> Tensor:
        if not self._temperature:
            return scores_BV
        kept_BV = self._top_p(input_ids, scores_BV) if self._top_p else scores_BV
        noise = [torch.empty_like(scores_BV[0]).exponential_(generator=generator) for generator in self._generators]
        return kept_BV - torch.stack(noise).log()


def _until(ends: Sequence[int], ids: np.ndarray, log_probs: np.ndarray) -> Continuation:
    places = np.flatnonzero(np.isin(ids, ends))
    length = int(places[0]) + 1 if len(places) else len(ids)
    return Continuation(ids=ids[:length], log_probs=log_probs[:length], ended=bool(len(places)))
