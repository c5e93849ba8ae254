"""The output of a block of a HuBERT or wav2vec2, for many clips in one batch with the values of each clip alone.

frames(model, grid, [samples[16000], samples[15500]])  ->  float32 [50, 768], float32 [48, 768]

states_of(model, grid, an hour)  ->  the same of long clips, in windows

Convolutions are computed clip by clip, as their norm may be over time and would include padding; blocks as a masked batch.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from weft.tokenizers.features.grid import Grid
from weft.tokenizers.features.windows import CONTEXT, Windowing
from weft.tokenizers.models.checkpoint import LayeredModel, full_float32
from weft.tokenizers.models.kept_output import KeptOutput
from weft.tokenizers.models.mel_hubert import MelHubert, features_of


def frames(model: LayeredModel, grid: Grid, rows: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """The output of the model's last block: float32 [grid.frames(n), width] of each row of float32 samples [n]."""
    with torch.inference_mode(), full_float32():
        convolved = [
            _convolved(model, features_of(row) if isinstance(model, MelHubert) else grid.pad(row)) for row in rows
        ]
        lengths = torch.tensor([len(c) for c in convolved])
        mask = None if len(set(lengths.tolist())) == 1 else torch.arange(int(lengths.max())) < lengths[:, None]
        states = last_block(model, pad_sequence(convolved, batch_first=True), mask)
        for state, length in zip(states.float().cpu().numpy(), lengths.tolist(), strict=True):
            yield state[:length]


def states_of(
    model: LayeredModel, grid: Grid, rows: Sequence[np.ndarray], batch: float = 0.0, padding: float = 0.0
) -> list[np.ndarray]:
    """As `frames`, for rows of any length: at most `batch` seconds go through the model at once, or one window (see windows.py).

    A MelHubert gives the states of the whole row, up to rounding. Other models attend to the whole window; they were trained on about
    15 s at once.
    """
    context = model.reach if isinstance(model, MelHubert) else CONTEXT
    cut = Windowing(hop=grid.hop, batch=batch, padding=padding, context=context).cut(rows)
    for windows in cut.batches:
        cut.keep(windows, list(frames(model, grid, cut.rows(windows))))
    return cut.joined()


def _convolved(model: Any, inputs: np.ndarray) -> torch.Tensor:
    """[frames, width]"""
    weights = next(model.feature_extractor.parameters())
    projected = model.feature_projection(
        model.feature_extractor(torch.from_numpy(inputs)[None].to(weights)).transpose(1, 2)
    )
    return torch.as_tensor(projected[0] if isinstance(projected, tuple) else projected)[0]


def last_block(model: Any, states: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """The last block's own output from the convolutions' output, [batch, frames, width], before the final norm of the model."""
    kept = KeptOutput()
    hook = model.encoder.layers[-1].register_forward_hook(kept)
    try:
        model.encoder(states, attention_mask=None if mask is None else mask.to(states.device))
    finally:
        hook.remove()
    return kept.value
