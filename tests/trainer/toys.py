"""A vocabulary of 20 words, an end of turns, two markers and eight codes, and prompts of it: what tests of replies need."""

import json
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from weft.schemas.vocabulary import Codebook, Marker, Vocabulary
from weft.trainer.latents import LatentSpan
from weft.trainer.loader import Draw
from weft.trainer.replies import PromptSample, Reply, ReplyReader
from weft.trainer.rewards.base import Scoring

END, OPEN, CLOSE, TEXT_PAD, AUDIO_PAD, CODE = 20, 21, 22, 23, 24, 25
MARKERS = (
    ("eot", "text"),
    ("tts-start", "speech"),
    ("tts-end", "speech"),
    ("tts-pad", "text"),
    ("audio-pad", "speech"),
)
VOCABULARY = Vocabulary(
    text_size=20, bos=None,
    markers=tuple(Marker(name=name, literal=f"<{name}>", id=20 + n, modality=kind) for n, (name, kind) in enumerate(MARKERS)),
    codebooks=(Codebook(tokenizer="fsq", literal="<{}>", first=CODE, size=8),), size=48, text_fingerprint="toy", ends=(END,),
)  # fmt: skip
WORDS = ("<think>", "</think>", *(f"w{n}" for n in range(2, 20)))


def tokenizer_json() -> bytes:
    """Words by their place: w7 is id 7; ids 0 and 1 open and close the thinking."""
    from tokenizers.pre_tokenizers import WhitespaceSplit

    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="w19"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer.to_str().encode()


FILES = {"tokenizer.json": tokenizer_json(), "tokenizer_config.json": json.dumps({}).encode()}
READER = ReplyReader.of(VOCABULARY, FILES["tokenizer.json"])
SCORING = Scoring(vocabulary=VOCABULARY, reader=READER)


def draw(ids: Sequence[int], position: int = 0, stretches: tuple[LatentSpan, ...] = (), task: str = "ask") -> Draw:
    return Draw(
        position=position, task=task, ids=np.array(ids, np.int32), loss=np.zeros((0, 2), np.int32), stretches=stretches
    )


def prompt(ids: Sequence[int] = (2, 3), answer: str = "", position: int = 0) -> PromptSample:
    return PromptSample(draw=draw(ids, position), key=f"s{position}", answer=answer)


def reply(ids: Sequence[int], answer: str = "", ended: bool = True) -> Reply:
    """A reply of these ids, as it is read."""
    array = np.array(ids, np.int64)
    return Reply(prompt=prompt(answer=answer), ids=array, end=END if ended else None, text=READER.text(array))
