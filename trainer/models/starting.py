"""The network that a stage starts with: new, from a checkpoint, or what an earlier stage or a merge ended with.

starting(stage, vocabulary, seed=0, start=Path("run/align/checkpoints/step-000400"))
"""

from pathlib import Path

import torch
from transformers import PreTrainedModel

from weft.schemas.fingerprint import hash64
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.model import build, check_context, with_settings
from weft.trainer.models.adaptor import Adaptor
from weft.trainer.models.encoders import NO_ENCODERS, FrozenEncoders
from weft.trainer.models.network import SCORE, Network
from weft.trainer.models.reading import load


def starting(
    stage: TrainingStage,
    vocabulary: Vocabulary,
    seed: int,
    start: Path | None = None,
    encoders: FrozenEncoders = NO_ENCODERS,
) -> Network:
    """`start` is the folder of the checkpoint or merge that `model.start` names. An adaptor that it or the `base` does not have is new.

    Raises ValueError for a checkpoint that cannot be loaded or has another number of tokens, and for a model that cannot hold the
    context.
    """
    if folder := start or stage.model.base:
        check_vocabulary(Path(folder), vocabulary)
        _check_gives_text(Path(folder))
    if start is None:
        lm = build(stage.model, vocabulary.size, seed)
    else:
        lm = load(str(start), with_settings(stage.model, str(start)))
        if (rows := lm.get_input_embeddings().num_embeddings) != vocabulary.size:
            raise ValueError(
                f"{start} was trained with {rows} tokens, this vocabulary has {vocabulary.size}: they do not belong together"
            )
    check_context(lm.config, stage.context)
    network = _with_adaptors(lm, encoders, seed)
    if folder:
        network.load_adaptors(Path(folder))
    return network


def loaded(folder: Path, encoders: FrozenEncoders = NO_ENCODERS) -> Network:
    """The network of a checkpoint as it is. Raises ValueError for one that cannot be loaded."""
    network = _with_adaptors(load(str(folder)), encoders, seed=0)
    network.load_adaptors(folder)
    return network


def _with_adaptors(lm: PreTrainedModel, encoders: FrozenEncoders, seed: int) -> Network:
    """A network with new adaptors for the encoders."""
    network = Network(lm)
    torch.manual_seed(hash64(seed, "adaptors"))
    adaptors = {
        name: Adaptor(width=e.width, embedding=network.width, stride=e.stride) for name, e in sorted(encoders.items())
    }
    network.adaptor, network.image_adaptor = adaptors.get("audio"), adaptors.get("image")
    return network


def _check_gives_text(folder: Path) -> None:
    """Raises ValueError for a reward model: its head for text was not trained with its other weights."""
    if (folder / f"{SCORE}.safetensors").is_file():
        raise ValueError(f"{folder} is a reward model, which gives scores and no text: start from another checkpoint")


def check_vocabulary(folder: Path, vocabulary: Vocabulary) -> None:
    """Raises ValueError for a checkpoint of weft that was trained with another vocabulary, or whose file is damaged. Others do not say
    theirs.
    """
    file = folder / "vocabulary.json"
    if not file.is_file():
        return
    try:
        own = Vocabulary.from_json(file.read_text(encoding="utf-8"))
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise ValueError(f"{file} is damaged, or of another version of weft ({fault})") from None
    if own.fingerprint != vocabulary.fingerprint:
        raise ValueError(
            f"{folder} was trained with another vocabulary ({own.size} tokens) than the corpus has ({vocabulary.size}): equal ids are "
            "other tokens; build the corpus with the checkpoint's tokenizers, or start from another checkpoint"
        )
