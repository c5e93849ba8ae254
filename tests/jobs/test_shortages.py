"""Which shortages are certain before a build: those that no estimate can be wrong about."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from weft.jobs.commands import make_pipeline
from weft.jobs.forecast import source_sizes
from weft.jobs.shortages import certain_shortages, shortages
from weft.pipelines.graph import Pipeline

RATE = 16_000
KINDS = {
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "flac": ("FLAC", "PCM_16"),
}


def tone(kind: str) -> bytes:
    """Two seconds of it."""
    buffer, (form, coding) = io.BytesIO(), KINDS[kind]
    samples = 0.3 * np.sin(np.arange(2 * RATE) / 9)
    soundfile.write(buffer, samples.astype(np.float32), RATE, format=form, subtype=coding)
    return buffer.getvalue()


def planned(folder: Path, total: float) -> Pipeline:
    stage = {
        "mixture": {"unit": "seconds", "total": total, "shares": {"speech": 1}},
        "context": 64,
        "model": {"config": {"model_type": "llama"}},
        "optimiser": {"lr": 0.001, "batch_tokens": 64},
    }
    return make_pipeline(
        {
            "name": "one",
            "sources": {"s": {"use": "folder", "path": str(folder)}},
            "tokenizers": {"pitch": {"use": "pitch"}},
            "tasks": {"speech": {"use": "speech", "sources": ["s"], "stream": "pitch"}},
            "training": {"pre": stage},
        }
    )


def said(folder: Path, total: float) -> tuple[int, int]:
    """How many shortages there seem to be, and how many are certain."""
    made = planned(folder, total)
    sizes = source_sizes(made, 1000)
    return len(shortages(made, sizes)), len(certain_shortages(made, sizes))


@pytest.mark.parametrize("kind", ["mp3", "ogg", "opus"])
def test_a_file_of_many_joined_ones_holds_more_than_its_header_declares(kind: str, tmp_path: Path) -> None:
    (tmp_path / f"all.{kind}").write_bytes(tone(kind) * 12)
    assert said(tmp_path, total=20) == (0, 0)  # of 24 s


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_that_counts_the_whole_file_makes_a_shortage_certain(kind: str, tmp_path: Path) -> None:
    (tmp_path / f"one.{kind}").write_bytes(tone(kind))
    assert said(tmp_path, total=20) == (1, 1)


def test_of_an_mp3_that_counts_nothing_a_shortage_is_not_certain(tmp_path: Path) -> None:
    data = tone("mp3")
    assert data.count(b"Info") + data.count(b"Xing") == 1
    (tmp_path / "one.mp3").write_bytes(data.replace(b"Info", bytes(4)).replace(b"Xing", bytes(4)))
    assert said(tmp_path, total=40) == (1, 0)
