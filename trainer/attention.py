"""Attention inside the documents of packed blocks: by their bounds, or by a mask where an LM knows nothing else.

    take_bounds(lm)
    lm(…, attention_mask=packed_mask(lm, documents_BT))

    documents 0 0 1 1      mask  x . . .      bounds 0 2 4
                                 x x . .
                                 . . x .
                                 . . x x

A mask grows with the square of the block, and what it hides is computed all the same. On a GPU its gradient is slow where it has to be
the same in each run; FlashAttention takes the bounds, and its deterministic gradient costs nothing.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

ATTENTION = "packed"  # the name under which transformers finds `attend`


def take_bounds(lm: PreTrainedModel) -> None:
    """Lets the LM call `attend`, where its code of transformers asks for attention by name; another LM keeps what it has."""
    if lm._supports_attention_backend:
        lm.set_attn_implementation(ATTENTION)


def packed_mask(lm: PreTrainedModel, documents_BT: Tensor) -> Tensor:
    """What the LM takes as `attention_mask`, so that each token sees its own document up to itself.

    The bounds of D documents, (D + 1, 1, 1, 1) int32, in the flattened rows. A mask (B, 1, T, T) bool where `attend` takes no bounds.
    """
    return document_bounds(documents_BT) if _takes_bounds(lm, documents_BT.device) else block_mask(documents_BT)


def block_mask(documents_BT: Tensor) -> Tensor:
    """(B, 1, T, T) bool, True where query t may see key s: s ≤ t and both in one document.

    Padding is a document too (-1), so no row is empty; an empty row would make softmax give NaN.
    """
    same_BTT = documents_BT[:, :, None] == documents_BT[:, None, :]
    return same_BTT.tril()[:, None]


def document_bounds(documents_BT: Tensor) -> Tensor:
    """(D + 1, 1, 1, 1) int32: where each document begins in the flattened rows, and their end. Padding is a document too (-1).

    There are more of them than rows, so an LM that takes them for a mask fails, whatever it cuts: they fit no batch.
    """
    begins_BT = torch.ones_like(documents_BT, dtype=torch.bool)
    begins_BT[:, 1:] = documents_BT[:, 1:] != documents_BT[:, :-1]
    begins_D = begins_BT.flatten().nonzero().flatten()
    return torch.nn.functional.pad(begins_D, (0, 1), value=documents_BT.numel()).to(torch.int32)[:, None, None, None]


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, dropout: float = 0.0,
    scaling: float | None = None, **kwargs: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Attention (B, T, H, D) of states (B, H, T, D) as transformers asks for it, inside bounds or under a mask."""
    if attention_mask is None or attention_mask.dtype is not torch.int32:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    batch, heads, tokens, _ = query.shape
    q, k, v = (repeat_kv(part, heads // part.shape[1]).transpose(1, 2).flatten(0, 1) for part in (query, key, value))
    if query.is_cuda and not dropout:
        out_NHD = flash(q, k, v, attention_mask.flatten(), longest=tokens, scaling=scaling)
    else:
        out_NHD = one_by_one(q, k, v, attention_mask.flatten(), dropout=dropout, scaling=scaling)
    return out_NHD.view(batch, tokens, heads, value.shape[-1]), None


def flash(query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, longest: int, scaling: float | None) -> Tensor:
    """Causal attention (N, H, D) inside documents of at most `longest` tokens, in bfloat16.

    Rotary embeddings leave float32 under autocast. The kernel takes one width: narrower values are padded.
    """
    width = value.shape[-1]
    value = torch.nn.functional.pad(value, (0, query.shape[-1] - width))
    q, k, v = (part.to(torch.bfloat16) for part in (query, key, value))
    out = varlen_attn(q, k, v, bounds, bounds, longest, longest, scale=scaling, window_size=(-1, 0))
    assert isinstance(out, Tensor)
    return out[..., :width].contiguous()


def one_by_one(
    query: Tensor, key: Tensor, value: Tensor, bounds: Tensor, dropout: float, scaling: float | None
) -> Tensor:
    """Causal attention (N, H, D) inside each document, one after another: on a CPU the calls cost less than what a mask hides.

    On a GPU it serves where attention weights are dropped, which the kernel does not know.
    """
    parts = []
    for begin, end in pairwise(bounds.tolist()):
        q, k, v = (states[None, begin:end].transpose(1, 2) for states in (query, key, value))
        part = scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True, scale=scaling)
        parts.append(part[0].transpose(0, 1))
    return torch.cat(parts)


def _takes_bounds(lm: PreTrainedModel, device: torch.device) -> bool:
    """Where the LM calls `attend`: on a CPU, and on a GPU in bfloat16, as its kernel asks."""
    if lm.config._attn_implementation != ATTENTION:
        return False
    in_bfloat16 = torch.is_autocast_enabled("cuda") and torch.get_autocast_dtype("cuda") is torch.bfloat16
    return device.type == "cpu" or (device.type == "cuda" and in_bfloat16)


AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
