"""Every code can be reached, codes are whole numbers of levels, and gradients pass."""

import itertools
from math import prod

import pytest
import torch

from weft.tokenizers.models.finite_scalar import FiniteScalarQuantizer


@pytest.mark.parametrize("levels", [(3,) * 4, (8, 5, 5), (2, 2), (4, 3)])
def test_each_code_is_reached_by_its_own_numbers(levels: tuple[int, ...]) -> None:
    quantizer = FiniteScalarQuantizer(len(levels), levels)
    with torch.no_grad():
        quantizer.down.weight.copy_(torch.eye(len(levels)))
        quantizer.down.bias.zero_()
    ranges = [torch.linspace(-4, 4, 41).tolist()] * len(levels) if len(levels) < 4 else [[-4.0, 0.0, 4.0]] * len(levels)
    states = torch.tensor(list(itertools.product(*ranges)))[None]
    codes = quantizer.codes(states)
    assert sorted(set(codes.flatten().tolist())) == list(range(prod(levels)))


def test_states_of_one_code_are_one_and_gradients_pass() -> None:
    torch.manual_seed(0)
    quantizer = FiniteScalarQuantizer(6, (3, 3, 3))
    states = torch.randn(2, 50, 6, requires_grad=True)
    codes, quantized = quantizer.codes(states), quantizer(states)
    for code in codes.unique():
        same = quantized[codes == code]
        assert torch.allclose(same, same[0].expand_as(same), atol=1e-5)
    quantized.square().sum().backward()
    assert states.grad is not None and states.grad.abs().sum() > 0
