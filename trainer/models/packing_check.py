"""Whether an LM can be trained on packed samples: what it says of a sample must not depend on those that it is packed with.

check_packing(lm)      ValueError for bart, which counts positions by itself, and for bert, which sees what follows outside weft
"""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PreTrainedModel

from weft.tokenizers.models.learned import first_line
from weft.trainer.attention import packed_mask

_LENGTHS = (3, 4)  # tokens of two samples
_FAR = 0.001  # of the largest logit: small new models differ by 1e-6, bert and its kind by 0.004 to 0.015


def check_packing(lm: PreTrainedModel) -> None:
    """Compares two short samples packed with each alone, as transformers computes it. Raises ValueError where they differ."""
    was_training = lm.training
    lm.eval()
    try:
        with torch.no_grad():
            alone = _computed(_alone, lm, "is not computed by transformers as it is configured")
            packed = _computed(_packed, lm, "takes no packed samples")
    finally:
        lm.train(was_training)
    far = float((packed - alone).abs().max() / alone.abs().max().clamp(min=1e-9))
    if not far <= _FAR:
        raise ValueError(
            f"a {lm.config.model_type} cannot be trained on packed samples: what it says of a sample changes with its place among "
            f"others, or without weft's mask (logits differ by {far:.1%} of the largest)"
        )


def _computed(forward: Callable[[PreTrainedModel], Tensor], lm: PreTrainedModel, fails: str) -> Tensor:
    """Raises ValueError where it cannot be computed, with what that says of the model."""
    try:
        return forward(lm)
    except (RuntimeError, ValueError, IndexError, TypeError) as fault:
        raise ValueError(f"a {lm.config.model_type} {fails}: {first_line(fault)}") from None


def _samples(lm: PreTrainedModel) -> tuple[Tensor, Tensor]:
    """Ids of the vocabulary's middle, where no token pads: (1, T) and the sample of each."""
    count = sum(_LENGTHS)
    weight = lm.get_input_embeddings().weight
    assert isinstance(weight, Tensor)
    first = max(0, len(weight) // 2 - count)
    documents_BT = torch.repeat_interleave(torch.arange(len(_LENGTHS)), torch.tensor(_LENGTHS))[None]
    return torch.arange(first, first + count)[None].to(lm.device), documents_BT.to(lm.device)


def _packed(lm: PreTrainedModel) -> Tensor:
    ids_BT, documents_BT = _samples(lm)
    positions_BT = torch.cat([torch.arange(length) for length in _LENGTHS])[None].to(lm.device)
    logits: Tensor = lm(
        input_ids=ids_BT, position_ids=positions_BT, attention_mask=packed_mask(lm, documents_BT), use_cache=False
    ).logits[0]
    return logits


def _alone(lm: PreTrainedModel) -> Tensor:
    ids_BT, _ = _samples(lm)
    parts = ids_BT[0].split(list(_LENGTHS))
    return torch.cat([lm(input_ids=part[None], use_cache=False).logits[0] for part in parts])
