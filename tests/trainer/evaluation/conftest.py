"""Held-out samples of text and codes with their KEY.json, and the vocabulary that they are of."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.schemas.vocabulary import Codebook, Marker, Vocabulary
from weft.trainer.evaluation.held_out import HeldOut, HeldOutChoice, choose

Spoken = tuple[str, int, float, float]  # modality, tokens, start, stop


@pytest.fixture
def spoken_vocabulary() -> Vocabulary:
    """Text 0-19, [Text] 20, [Speech] 21, codes 22-31, padded to 48."""
    markers = (
        Marker(name="text", literal="[Text]", id=20),
        Marker(name="speech", literal="[Speech]", id=21, modality="speech"),
    )
    codes = Codebook(tokenizer="hubert", literal="[Hu{}]", first=22, size=10)
    return Vocabulary(text_size=20, bos=0, markers=markers, codebooks=(codes,), size=48, text_fingerprint="toy")


def _record(*segments: Spoken) -> bytes:
    at, lines = 0, []
    for modality, tokens, start, stop in segments:
        lines.append({"modality": modality, "role": "", "begin": at, "end": at + tokens, "start": start, "stop": stop})
        at += tokens
    return json.dumps({"segments": lines}).encode()


@pytest.fixture
def spoken_shards(make_shards: Callable[..., Path]) -> Path:
    """Words in both orders, text alone, speech alone that is longer than a block, pairs, and a prompt of which nothing counts."""
    samples, records = [], []
    for n in range(6):
        codes = [22 + (n + t) % 10 for t in range(9)]
        words = [1 + (n * 3 + t) % 19 for t in range(5)]
        samples += [
            ("words", [0, 21, *codes, 20, *words], (1, 17)),
            ("words", [0, 20, *words, 21, *codes], (2, 17)),
            ("text", [0, 20, *words, *words], (1, 12)),
            ("speech", [0, 21, *codes, *codes[::-1], *codes], (1, 29)),
            ("pairs", [*words, *codes, *words, *words], (5, 14, 19, 24), (14,)),
            ("prompts", [0, *words], ()),
        ]
        records += [
            _record(
                ("text", 1, 0, 0),
                ("speech", 1, 0, 0),
                ("speech", 9, 0.0, 0.4),
                ("text", 1, 0, 0),
                ("text", 5, 0.4, 1.0),
            ),
            _record(("text", 2, 0, 0), ("text", 5, 0.0, 0.7), ("speech", 1, 0, 0), ("speech", 9, 0.7, 1.1)),
            _record(("text", 12, 0, 0)),
            _record(("text", 1, 0, 0), ("speech", 1, 0, 0), ("speech", 27, 0.0, 1.1)),
            _record(("text", 5, 0, 1), ("speech", 9, 0, 0.4), ("text", 10, 0, 1)),
            _record(("text", 6, 0, 0.9)),
        ]
    return make_shards(samples, name="spoken", split="validation", records=records)


@pytest.fixture
def choose_held_out(spoken_shards: Path) -> Callable[..., HeldOut]:
    def choose_some(
        tasks: tuple[str, ...] = ("pairs", "prompts", "speech", "text", "words"), samples: int = 4
    ) -> HeldOut:
        held_out = choose(spoken_shards, HeldOutChoice(tasks=tasks, samples=samples, context=16))
        assert held_out
        return held_out

    return choose_some
