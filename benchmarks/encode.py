"""The encode stage, through the engine, beside the forward of the same HubertModel on the same tensors from memory.

The stage reads its parts, decodes and resamples FLAC, takes log-mels, runs the model, assigns k-means units, joins runs and
commits. The kernel is the model up to the layer in use, one clip at a time, on one torch thread a process.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from weft.benchmarks.support.arms import against, compare, over, pool
from weft.benchmarks.support.common import Figure, alone
from weft.benchmarks.support.speech import SpeechCorpus
from weft.pipelines.audio.sound import load
from weft.pipelines.encode import Encode
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Utterance
from weft.tokenizers import hubert
from weft.tokenizers.hubert import normalised
from weft.tokenizers.models.checkpoint import load_encoder
from weft.tokenizers.models.mel_hubert import MelHubert, features_of

TITLE = "encode: the stage as a build runs it, against HuBERT's forward alone (two processes each)"
NODE = "encode/hubert/speech"


def measure(folder: Path) -> list[Figure]:
    return SpeechCorpus.measure(folder, _figures)


def _figures(speech: SpeechCorpus) -> list[Figure]:
    parts = speech.utterances(NODE)
    with pool(_ready, speech.store.url, _layer(speech), parts) as workers:
        pair = compare(lambda: speech.again(NODE), over(workers, _forward, len(parts)))
    return against("encode", pair, sum(u.seconds for us in parts for u in us))


def _layer(speech: SpeechCorpus) -> int:
    work = speech.works[NODE][0]
    assert isinstance(work, PartWork) and isinstance(work.stage, Encode)
    assert isinstance(work.stage.tokenizer, hubert.Tokenizer)
    return work.stage.tokenizer.layer


# --- in the kernel's processes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kernel:
    """The model and each part's log-mels, float32 [1, steps, BANDS]."""

    model: Any
    layer: int
    parts: list[list[torch.Tensor]]


_kernel: list[Kernel] = []


def _ready(url: str, layer: int, parts: list[list[Utterance]]) -> None:
    torch.set_num_threads(1)
    store = Store(url)
    model, _ = load_encoder(str(store.folder("models/hubert")), layer)
    assert isinstance(model, MelHubert)
    mels = [[features_of(normalised(load(store, u.audio, u.start, u.end))) for u in us] for us in parts]
    _kernel[:] = [Kernel(model, layer, [[torch.from_numpy(clip)[None] for clip in clips] for clips in mels])]


def _forward(part: int) -> int:
    """The kernel; returns the frames."""
    kernel = _kernel[0]
    with torch.inference_mode():
        outputs = (kernel.model(clip, output_hidden_states=True) for clip in kernel.parts[part])
        return sum(out.hidden_states[kernel.layer].shape[1] for out in outputs)


if __name__ == "__main__":
    alone(TITLE, measure)
