"""Keeps what a layer gives, whatever the model makes of it afterwards.

kept = KeptOutput()
hook = model.encoder.layers[-1].register_forward_hook(kept)
"""

from typing import Any

import torch


class KeptOutput:
    """A forward hook of torch; `value` is the layer's own output, the first of a tuple, after a forward."""

    value: torch.Tensor

    def __call__(self, module: Any, inputs: Any, output: Any) -> None:
        self.value = torch.as_tensor(output[0] if isinstance(output, tuple) else output)
