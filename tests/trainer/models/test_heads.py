"""Scores keep the precision of float32 where the network's products are in bfloat16."""

import pytest
import torch

from weft.trainer.models.heads import ScoreHead


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_near_scores_are_not_equal_in_bfloat16(dtype: torch.dtype) -> None:
    head = ScoreHead(width=2)
    with torch.no_grad():
        head.projection.weight[:] = torch.tensor([1.0, 1.0])
    states = torch.tensor([[10.0, 0.0], [10.0, 0.0078125]], dtype=dtype)
    with torch.autocast("cpu", torch.bfloat16):
        scores = head(states)
    assert scores.dtype == torch.float32 and scores.tolist() == [10.0, 10.0078125]
