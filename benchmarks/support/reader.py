"""How well a small network predicts the transcript from codes alone."""

from collections.abc import Sequence
from functools import partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import jiwer
import numpy as np
import torch
from torch.nn.functional import ctc_loss, gelu
from torch.nn.utils.rnn import pad_sequence

from weft.tokenizers.stream import Speech
from weft.tokenizers.training.loop import fit, seeded
from weft.tokenizers.training.recogniser import alphabet, normalised_text

Read = tuple[np.ndarray, str]  # codes a frame, and the transcript
STEPS, BATCH, LR, WIDTH = 400, 24, 3e-3, 128
GUESSES = 50  # a second at least, since CTC wants more of them than letters


class Reader(torch.nn.Module):
    """Codes [batch, frames] to log-probabilities of letters [batch, frames * up, letters + 1]."""

    def __init__(self, codes: int, letters: int, up: int) -> None:
        super().__init__()
        self.up = up
        self.code = torch.nn.Embedding(codes + 1, WIDTH)  # the last is beyond the end
        self.near = torch.nn.Conv1d(WIDTH, WIDTH, 5, padding=2)
        self.along = torch.nn.LSTM(WIDTH, WIDTH, num_layers=2, bidirectional=True, batch_first=True)
        self.letter = torch.nn.Linear(2 * WIDTH, up * (letters + 1))

    def forward(self, codes_BT: torch.Tensor) -> torch.Tensor:
        near = gelu(self.near(self.code(codes_BT).transpose(1, 2))).transpose(1, 2)
        guesses = self.letter(self.along(near)[0])
        return guesses.reshape(len(guesses), guesses.shape[1] * self.up, -1).log_softmax(-1)


def character_errors(train: Sequence[Read], test: Sequence[Read], codes: int, rate: float) -> float:
    """Of a reader of `train`, on `test`: insertions, deletions and substitutions over the letters there are."""
    letters = alphabet([Speech(np.zeros(0, np.float32), text) for _, text in train])
    with seeded(1):
        reader = Reader(codes, len(letters), ceil(GUESSES / rate))
    with TemporaryDirectory() as folder:
        fit(reader, partial(_loss, reader, train, letters, codes), STEPS, LR, Path(folder, "reader.safetensors"))
    references = [normalised_text(text) for _, text in test]
    return float(jiwer.cer(references, [_read(reader, ids, letters) for ids, _ in test]))


def _loss(reader: Reader, train: Sequence[Read], letters: str, codes: int, step: int) -> torch.Tensor:
    rng = np.random.default_rng([1, step])
    order = sorted(range(len(train)), key=lambda n: len(train[n][0]))
    first = int(rng.integers(0, max(1, len(order) - BATCH + 1)))
    some = [train[n] for n in order[first : first + BATCH]]
    rows = pad_sequence(
        [torch.from_numpy(ids.astype(np.int64)) for ids, _ in some], batch_first=True, padding_value=codes
    )
    texts = [[letters.index(c) + 1 for c in normalised_text(text)] for _, text in some]
    lengths = torch.tensor([len(ids) * reader.up for ids, _ in some])
    wanted, counts = torch.tensor([c for text in texts for c in text]), torch.tensor([len(text) for text in texts])
    return ctc_loss(reader(rows).transpose(0, 1), wanted, lengths, counts, zero_infinity=True)


def _read(reader: Reader, ids: np.ndarray, letters: str) -> str:
    with torch.inference_mode():
        best = reader(torch.from_numpy(ids.astype(np.int64))[None])[0].argmax(-1).numpy()
    kept = best[np.flatnonzero(np.diff(best, prepend=0))]
    return "".join(letters[n - 1] for n in kept if n)
