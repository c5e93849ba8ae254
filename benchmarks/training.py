"""trainer.train.train beside the bare step of the same network: forward, backward and AdamW on one batch that lies on the device.

On a GPU a llama of 135M parameters in bfloat16, elsewhere a small one in float32. What is more than the bare step is reading, packing,
checks, losses by task and the report. A third arm has the bare step attend under a mask, as any network of transformers can.
"""

import time
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from weft.benchmarks.support.common import Figure, alone, scratch
from weft.benchmarks.support.composed import STAGE, write_all
from weft.pipelines.storage.store import Store
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.attention import ATTENTION
from weft.trainer.loader import DrawReader
from weft.trainer.model import build, forward
from weft.trainer.objectives.base import Rows, autocast, rows_of
from weft.trainer.repeatable import repeatable
from weft.trainer.stream import BatchStream, StreamState
from weft.trainer.train import StepReport, train

TITLE = "training: tokens a second of one stage"
ON_GPU = torch.cuda.is_available()
CONTEXT, BLOCKS, PARTS = 2048, 16 if ON_GPU else 1, 6 if ON_GPU else 1
WARM, STEPS = 5, 40 if ON_GPU else 15
SIZE = 32768
VOCABULARY = Vocabulary(text_size=SIZE, bos=None, markers=(), codebooks=(), size=SIZE, text_fingerprint="made")
LARGE = {
    "hidden_size": 768,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_key_value_heads": 12,
}
SMALL = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
}


def measure(folder: Path) -> list[Figure]:
    with scratch(folder / "training") as place:
        write_all(Store(str(place)), ("speech", "words"), PARTS, 2e7)
        whole = _trained(place)
        bare = _bare(place / "shards" / STAGE, ATTENTION)
        masked = _bare(place / "shards" / STAGE, "sdpa")
    parameters = sum(weight.numel() for weight in build(_stage().model, SIZE, 0).parameters())
    return [
        Figure("parameters", parameters / 1e6, "M"),
        Figure("weft train", whole, "tokens/s"),
        Figure("the bare step", bare, "tokens/s"),
        Figure("the bare step, under a mask", masked, "tokens/s"),
        Figure("the bare step / weft train", bare / whole, "x", limit=1.3),
        Figure("arithmetic of weft train", 6 * parameters * whole / 1e12, "TFLOP/s"),
    ]  # fmt: skip


def _stage() -> TrainingStage:
    return TrainingStage.model_validate(
        {
            "mixture": {"unit": "tokens", "total": 1e12, "shares": {"speech": 1, "words": 1}},
            "context": CONTEXT,
            "model": {
                "config": {"model_type": "llama", **(LARGE if ON_GPU else SMALL)},
                "dtype": "bfloat16" if ON_GPU else "float32",
            },
            "optimiser": {"lr": 1e-4, "batch_tokens": BLOCKS * CONTEXT, "steps": STEPS},
            "checkpoint_every": STEPS,
            "forward_tokens": BLOCKS * CONTEXT,
        }
    )


def _trained(place: Path) -> float:
    """Tokens a second between two of the steps that write no checkpoint."""
    ends: list[float] = []

    def ended(report: StepReport) -> None:
        ends.append(time.perf_counter())

    train(place / "shards" / STAGE, place / "run", _stage(), VOCABULARY, "", seed=0, resume=False, report=ended)
    return (STEPS - 1 - WARM) * BLOCKS * CONTEXT / (ends[-2] - ends[WARM - 1])


def _bare(shards: Path, attention: str) -> float:
    """Tokens a second of the same batch again and again."""
    device = torch.device("cuda" if ON_GPU else "cpu")
    model: Any = build(_stage().model, SIZE, 0)
    model.to(device)
    model.set_attn_implementation(attention)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=True)
    rows = rows_of(next(BatchStream(DrawReader(shards), CONTEXT, BLOCKS).batches(StreamState())), slice(None), device)
    dtype = _stage().model.dtype
    for step in range(STEPS):
        if step == WARM:
            began = _now()
        _step(model, optimiser, rows, dtype)
    return (STEPS - WARM) * BLOCKS * CONTEXT / (_now() - began)


def _step(model: Any, optimiser: torch.optim.Optimizer, rows: Rows, dtype: str) -> None:
    keep_K = torch.arange(CONTEXT - 1, device=rows.ids_BT.device)
    with autocast(keep_K.device, dtype):
        logits_BKV = forward(model, rows.ids_BT, rows.positions_BT, documents_BT=rows.documents_BT, keep_K=keep_K)
    with repeatable(keep_K.device):
        cross_entropy(logits_BKV.flatten(0, 1).float(), rows.ids_BT[:, 1:].flatten()).backward()
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)


def _now() -> float:
    """Seconds, once the device has done what it was given."""
    if ON_GPU:
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    alone(TITLE, measure)
