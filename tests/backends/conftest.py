"""What the heavy backends need where there is no GPU and no hub: torchaudio's missing CUDA libraries, NLTK's sentence model, and a
CTC checkpoint trained here on spoken digits.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from weft.benchmarks.support.stubs import stub

DATA = Path(os.environ.get("WEFT_DATA", Path(__file__).parents[3] / "shared" / "data"))
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
RATE, HOP = 16_000, 320


if find_spec("torchaudio") and not torch.cuda.is_available():  # before any module here imports it
    _folder = tempfile.TemporaryDirectory()
    stub(Path(_folder.name))


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setenv("PYANNOTE_METRICS_ENABLED", "0")
    patch.setenv("HF_HUB_OFFLINE", "1")
    yield
    patch.undo()


@pytest.fixture(scope="session")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """WhisperX splits sentences by NLTK's punkt, whose parameters are learned here from three sentences."""
    from nltk.tokenize.punkt import PunktTrainer, TabEncoder

    root = tmp_path_factory.mktemp("nltk")
    folder = root / "tokenizers" / "punkt_tab" / "english"
    folder.mkdir(parents=True)
    learned, tables = PunktTrainer("One two three. Four five six. Seven eight nine.").get_params(), TabEncoder()
    (folder / "collocations.tab").write_text(tables.tups2tab(learned.collocations))
    (folder / "sent_starters.txt").write_text(tables.set2txt(learned.sent_starters))
    (folder / "abbrev_types.txt").write_text(tables.set2txt(learned.abbrev_types))
    (folder / "ortho_context.tab").write_text(tables.ivdict2tab(learned.ortho_context))
    patch = pytest.MonkeyPatch()
    patch.setenv("NLTK_DATA", str(root))
    yield
    patch.undo()


@dataclass(frozen=True)
class Digit:
    word: str
    samples: np.ndarray


@dataclass(frozen=True)
class Row:
    """Digits in a row with pauses between them, and where each lies in seconds."""

    samples: np.ndarray
    words: list[str]
    spans: list[tuple[float, float]]


@pytest.fixture(scope="session")
def digits() -> tuple[list[Digit], list[Digit]]:
    """To learn from and to be judged on: recorded where there are recordings, else spoken by espeak."""
    digits = list(_recorded() if (DATA / "fsdd").exists() else _spoken())
    return [d for n, d in enumerate(digits) if n % 8], digits[::8]


def _recorded() -> Iterator[Digit]:
    import soundfile
    import soxr

    for path in sorted((DATA / "fsdd").rglob("*.wav")):
        if named := re.fullmatch(r"(\d)_\w+_\d+", path.stem):
            samples, rate = soundfile.read(path, dtype="float32")
            yield Digit(NAMES[int(named[1])], _even(soxr.resample(samples, rate, RATE)))


def _spoken() -> Iterator[Digit]:
    import soxr

    from weft.pipelines.voices.base import Style
    from weft.pipelines.voices.espeak import Voice

    for variant in (*(f"f{n}" for n in range(1, 6)), *(f"m{n}" for n in range(1, 9))):
        for name in NAMES:
            synthesized = Voice().speak(name, Style(voice="gmw/en-US", variant=variant))
            yield Digit(name, _even(soxr.resample(synthesized.samples, synthesized.rate, RATE)))


def _even(samples: np.ndarray) -> np.ndarray:
    return (0.3 * samples / max(1e-3, np.abs(samples).max())).astype(np.float32)


def row(among: list[Digit], count: int, rng: np.random.Generator) -> Row:
    parts, words, spans = [], [], []
    at = 0
    for number in rng.integers(0, len(among), count):
        digit, pause = among[number], int(rng.integers(800, 4800))
        parts += [rng.normal(0, 1e-3, pause), digit.samples]
        spans.append(((at + pause) / RATE, (at + pause + len(digit.samples)) / RATE))
        words.append(digit.word)
        at += pause + len(digit.samples)
    return Row(np.concatenate([*parts, rng.normal(0, 1e-3, 1600)]).astype(np.float32), words, spans)


@pytest.fixture(scope="session")
def rows(digits: tuple[list[Digit], list[Digit]]) -> list[Row]:
    rng = np.random.default_rng(5)
    return [row(digits[1], 3, rng) for _ in range(40)]


@pytest.fixture(scope="session")
def checkpoint(digits: tuple[list[Digit], list[Digit]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small wav2vec2 that spells digits: four minutes of learning on two cores. It takes sound as it is, for so WhisperX gives it."""
    folder = tmp_path_factory.mktemp("ctc")
    train(digits[0], folder)
    return folder


def train(among: list[Digit], folder: Path) -> None:
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    characters = ["<pad>", "<unk>", "|", *sorted(set("".join(NAMES)))]
    classes = {c: n for n, c in enumerate(characters)}
    (folder / "vocab.json").write_text(json.dumps(classes))
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(do_normalize=False), tokenizer).save_pretrained(folder)
    torch.manual_seed(0)
    torch.set_num_threads(2)
    config = Wav2Vec2Config(
        vocab_size=len(characters), hidden_size=96, num_hidden_layers=2, num_attention_heads=4, intermediate_size=192,
        conv_dim=(48,) * 7, conv_bias=True, feat_extract_norm="layer", do_stable_layer_norm=True, pad_token_id=0,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, hidden_dropout=0.0, attention_dropout=0.0,
        feat_proj_dropout=0.0, layerdrop=0.0, apply_spec_augment=False,
    )  # fmt: skip
    model, rng = Wav2Vec2ForCTC(config), np.random.default_rng(0)
    warm, steps = (
        400,
        900,
    )  # letters where they lie, so that it need not find them; then the real loss, which makes it sure
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    weights = torch.tensor([0.2] + [1.0] * (len(characters) - 1))  # most frames are blank
    model.train()
    for step in range(steps):
        batch = [row(among, 3, rng) for _ in range(12)]
        logits = model(padded([r.samples for r in batch])).logits
        wanted = torch.zeros(logits.shape[:2], dtype=torch.long)
        for n, r in enumerate(batch):
            for word, (start, end) in zip(r.words, r.spans, strict=True):
                spelt = [classes[c] for c in word]  # each letter once and blanks between, as CTC has it
                frames = np.linspace(start * RATE / HOP, end * RATE / HOP - 1, len(spelt)).round().astype(int)
                wanted[n, frames.clip(0, logits.shape[1] - 1)] = torch.tensor(spelt)
        loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), wanted, weight=weights)
        if step >= warm:
            loss = 0.2 * loss + 0.8 * _ctc(model, logits, batch, classes)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    model.eval().save_pretrained(folder)


def _ctc(model: Any, logits: torch.Tensor, batch: list[Row], classes: dict[str, int]) -> torch.Tensor:
    spelt = [[classes[c] for c in "|".join(r.words)] for r in batch]
    frames = [int(model._get_feat_extract_output_lengths(len(r.samples))) for r in batch]
    log_probs = torch.log_softmax(logits, -1).transpose(0, 1)
    every = torch.tensor([c for row in spelt for c in row])
    return torch.nn.functional.ctc_loss(
        log_probs, every, torch.tensor(frames), torch.tensor([len(row) for row in spelt])
    )


def padded(clips: list[np.ndarray]) -> torch.Tensor:
    out = torch.zeros(len(clips), max(map(len, clips)))
    for n, clip in enumerate(clips):
        out[n, : len(clip)] = torch.from_numpy(clip)
    return out


def mean_error(rows: list[Row], found: list) -> float:
    """Seconds: the mean over rows of the mean over words of (|start error| + |end error|) / 2."""
    return float(np.mean([
        np.mean([(abs(w.start - a) + abs(w.end - b)) / 2 for w, (a, b) in zip(words, r.spans, strict=True)])
        for r, words in zip(rows, found, strict=True)
    ]))  # fmt: skip
