"""Attention by the bounds of documents is that under their mask. The kernel itself needs a GPU: here is a plain one in its place."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from weft.schemas.training import ModelSettings
from weft.trainer import attention
from weft.trainer.attention import ATTENTION, block_mask, document_bounds, packed_mask, take_bounds
from weft.trainer.model import build

DOCUMENTS_BT = torch.tensor([[0] * 5 + [1] * 7 + [2] * 2 + [-1] * 2, [0] * 16])


def each_document(
    query: Tensor, key: Tensor, value: Tensor, cu_seq_q: Tensor, cu_seq_k: Tensor, max_q: int, max_k: int,
    *, scale: float, window_size: tuple[int, int],
) -> Tensor:  # fmt: skip
    """What `varlen_attn` of torch computes, (T, H, D), one document after another."""
    assert window_size == (-1, 0) and torch.equal(cu_seq_q, cu_seq_k) and max_q == max_k
    assert max(end - begin for begin, end in pairwise(cu_seq_q.tolist())) <= max_q
    parts = []
    for begin, end in pairwise(cu_seq_q.tolist()):
        rows = (states[begin:end].transpose(0, 1) for states in (query, key, value))
        parts.append(scaled_dot_product_attention(*rows, is_causal=True, scale=scale).transpose(0, 1))
    return torch.cat(parts)


@pytest.fixture
def model(llama: dict[str, object]) -> PreTrainedModel:
    config = {**llama, "num_attention_heads": 4, "num_key_value_heads": 2}
    return build(ModelSettings(config=config), size=48, seed=0).eval()


def logits(model: PreTrainedModel, mask: Tensor) -> Tensor:
    ids_BT = torch.arange(32).view(2, 16)
    positions_BT = torch.tensor([[*range(5), *range(7), *range(2), 0, 1], [*range(16)]])
    scores: Tensor = model(input_ids=ids_BT, position_ids=positions_BT, attention_mask=mask, use_cache=False).logits
    return scores


def test_a_model_gives_the_same_logits_and_gradients_by_bounds_as_under_a_mask(model: PreTrainedModel) -> None:
    gradients = []
    for mask in (document_bounds(DOCUMENTS_BT), block_mask(DOCUMENTS_BT)):
        model.zero_grad()
        scores = logits(model, mask)
        scores.square().sum().backward()
        gradients.append([scores.detach(), *(weight.grad for weight in model.parameters() if weight.grad is not None)])
    for bounded, masked in zip(*gradients, strict=True):
        torch.testing.assert_close(bounded, masked, rtol=1e-4, atol=1e-5)


def test_the_kernel_is_asked_for_what_one_document_after_another_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "varlen_attn", each_document)
    q, k, v = (torch.randn(32, 4, width) for width in (8, 8, 6))
    bounds = document_bounds(DOCUMENTS_BT).flatten()
    ours = attention.flash(q, k, v, bounds, longest=16, scaling=0.3)
    plain = attention.one_by_one(q, k, v, bounds, dropout=0.0, scaling=0.3)
    torch.testing.assert_close(ours.float(), plain, rtol=0.05, atol=0.02)


def test_a_cpu_takes_bounds_and_another_lm_a_mask(model: PreTrainedModel) -> None:
    assert torch.equal(packed_mask(model, DOCUMENTS_BT), document_bounds(DOCUMENTS_BT))
    model.set_attn_implementation("sdpa")
    assert torch.equal(packed_mask(model, DOCUMENTS_BT), block_mask(DOCUMENTS_BT))


@given(lengths=st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), min_size=1, max_size=3))
def test_bounds_are_those_of_the_mask(lengths: list[list[int]]) -> None:
    width = max(map(sum, lengths))
    rows = [[n for n, length in enumerate(row) for _ in range(length)] for row in lengths]
    documents_BT = torch.tensor([row + [-1] * (width - len(row)) for row in rows])
    bounds = document_bounds(documents_BT)
    assert bounds.shape[1:] == (1, 1, 1) and bounds.dtype is torch.int32
    sees = np.zeros((documents_BT.numel(),) * 2, bool)
    for begin, end in pairwise(bounds.flatten().tolist()):
        sees[begin:end, begin:end] = np.tri(end - begin, dtype=bool)
    for number, mask in enumerate(block_mask(documents_BT)):
        own = slice(number * width, (number + 1) * width)
        assert np.array_equal(sees[own, own], mask[0].numpy())
        sees[own, own] = False
    assert not sees.any()  # nothing of another row


def test_a_checkpoint_does_not_name_it(llama: dict[str, object], tmp_path: Path) -> None:
    build(ModelSettings(config=llama), size=48, seed=0).save_pretrained(tmp_path)
    assert ATTENTION not in (tmp_path / "config.json").read_text()
    assert AutoModelForCausalLM.from_pretrained(tmp_path).config._attn_implementation == "sdpa"


def test_a_model_with_attention_of_its_own_keeps_it() -> None:
    config = AutoConfig.for_model("codegen", n_embd=32, n_layer=1, n_head=4, rotary_dim=4, vocab_size=48)
    model = AutoModelForCausalLM.from_config(config)
    before = model.config._attn_implementation
    take_bounds(model)
    assert model.config._attn_implementation == before


def test_values_may_be_narrower_than_keys() -> None:
    """Those of DeepSeek-V3 are, whose keys have a rotary part besides."""
    query, key = torch.randn(2, 4, 16, 24), torch.randn(2, 2, 16, 24)
    value = torch.randn(2, 2, 16, 8)
    module = torch.nn.Module()
    module.num_key_value_groups = 2  # type: ignore[assignment]
    bounded, masked = (
        attention.attend(module, query, key, value, mask, scaling=0.3)[0]
        for mask in (document_bounds(DOCUMENTS_BT), block_mask(DOCUMENTS_BT))
    )
    torch.testing.assert_close(bounded, masked)


def test_a_model_that_computes_with_its_mask_never_takes_bounds_for_one() -> None:
    """Doge cuts the mask to the length of a row, and more documents than tokens of a row would fit."""
    config = AutoConfig.for_model(
        "doge", hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, vocab_size=48,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).eval()
    take_bounds(model)
    documents_BT = torch.arange(8).repeat(4, 1)
    with pytest.raises(RuntimeError):
        model(
            input_ids=torch.arange(32).view(4, 8), position_ids=torch.zeros_like(documents_BT),
            attention_mask=packed_mask(model, documents_BT), use_cache=False,
        )  # fmt: skip
