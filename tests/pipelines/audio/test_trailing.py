"""Chunks and tags behind samples of unknown length are no sound."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from weft.pipelines.audio.scan import scan
from weft.pipelines.audio.trailing import end_of_samples
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unusable

SAMPLES = (np.sin(np.arange(32000) / 20) * 9000).astype("<i2").tobytes()
FORMAT = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)


def listed(size: int) -> bytes:
    """A LIST chunk with so many bytes in it."""
    return b"LIST" + struct.pack("<I", size) + b"INFOISFT" + struct.pack("<I", size - 12) + b"L" * (size - 12)


def data(size: int, content: bytes = b"") -> bytes:
    return b"data" + struct.pack("<I", size) + content


def wav(tmp_path: Path, *chunks: bytes, kind: bytes = b"RIFF", size: int = 0) -> Audio:
    (tmp_path / "a.wav").write_bytes(kind + struct.pack("<I", size) + b"WAVE" + b"".join(chunks))
    return Audio(str(tmp_path / "a.wav"))


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
@pytest.mark.parametrize(
    "behind", [listed(4160), listed(26), b"TAG" + bytes(125), listed(26) + b"id3 \3\0\0\0abc\0", b""]
)
def test_chunks_behind_samples_of_unknown_length(store: Store, tmp_path: Path, size: int, behind: bytes) -> None:
    assert scan(store, wav(tmp_path, FORMAT, data(size, SAMPLES), behind)).seconds == 2.0


def test_an_aiff_too(store: Store, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.frombuffer(SAMPLES, "<i2"), 16000, format="AIFF")
    made = bytearray(buffer.getvalue())
    place = made.index(b"SSND")
    made[place + 4 : place + 8] = bytes(4)
    (tmp_path / "a.aiff").write_bytes(bytes(made) + b"ANNO" + struct.pack(">I", 5) + b"hello\0")
    assert scan(store, Audio(str(tmp_path / "a.aiff"))).seconds == 2.0


def test_a_recording_without_samples_is_not_its_tags(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Unusable) as caught:
        scan(store, wav(tmp_path, FORMAT, data(0), listed(4160)))
    assert caught.value.reason == "no_samples"


def test_an_empty_chunk_before_the_samples(store: Store, tmp_path: Path) -> None:
    audio = wav(tmp_path, FORMAT, data(0), listed(4160), data(len(SAMPLES), SAMPLES))
    assert scan(store, audio).seconds == 2.0


def test_samples_that_look_like_the_name_of_a_chunk() -> None:
    samples = bytes(44) + b"LIST" + SAMPLES
    assert end_of_samples(io.BytesIO(samples), 44, "<4sI") == len(samples)
