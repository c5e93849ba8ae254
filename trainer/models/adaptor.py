"""From an encoder's frames to the LM's embeddings, half as many: a convolution of kernel 3 and stride 2 (Step-Audio 2).

Adaptor(width=1280, embedding=3584)(frames)      (F, 1280) -> ((F + 2 - 3) // 2 + 1, 3584)
load_adaptor("run/sft/checkpoints/step-000400/adaptor.safetensors")
"""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import gelu


class Adaptor(nn.Module):
    """`width` is that of the frames, `embedding` the LM's. `stride` 1 keeps the number of frames, as of an image's patches."""

    def __init__(self, width: int, embedding: int, stride: int = 2) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width, embedding, kernel_size=3, stride=stride, padding=1)
        self.projection = nn.Linear(embedding, embedding)

    def forward(self, frames_FW: Tensor) -> Tensor:
        states_EP = gelu(self.convolution(frames_FW.T[None])[0])
        projected: Tensor = self.projection(states_EP.T)
        return projected


def load_adaptor(file: str | Path, stride: int = 2) -> Adaptor:
    """The adaptor of a checkpoint, to use; `stride` is 2 for audio and 1 for images."""
    weights = load_file(file)
    embedding, width, _ = weights["convolution.weight"].shape
    adaptor = Adaptor(width=width, embedding=embedding, stride=stride)
    adaptor.load_state_dict(weights)
    return adaptor.eval().requires_grad_(False)
