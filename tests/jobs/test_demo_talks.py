"""Recordings of several sentences, with a manifest that says where each lies."""

import json
from pathlib import Path

import numpy as np
import soundfile

from weft.jobs.demo_talks import PAUSE, write_talks
from weft.pipelines.audio.sound import flac
from weft.pipelines.sources import manifest
from weft.pipelines.storage.store import Store


def test_sentences_of_a_speaker_are_one_recording_with_its_texts_and_times(tmp_path: Path) -> None:
    for speaker, levels in (("a", (0.1, 0.2)), ("b", (0.3, 0.4)), ("c", (0.5, 0.6))):
        (tmp_path / "raw" / speaker).mkdir(parents=True)
        for n, level in enumerate(levels):
            stem = tmp_path / "raw" / speaker / str(n)
            stem.with_suffix(".flac").write_bytes(flac(np.full(8000 * (n + 1), level, np.float32), 16000))
            stem.with_suffix(".txt").write_text(f"{speaker}{n}\n")
    assert "2 recordings" in write_talks(tmp_path / "raw", tmp_path / "talks", speakers=2)
    rows = [json.loads(line) for line in (tmp_path / "talks" / "talks.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == ["a0", "a1", "b0", "b1"]
    assert [row["offset"] for row in rows[:2]] == [0.0, 0.5 + PAUSE] and rows[1]["duration"] == 1.0
    for row, level in zip(rows, (0.1, 0.2, 0.3, 0.4), strict=True):
        samples, rate = soundfile.read(tmp_path / "talks" / row["audio"])
        begin, end = (round(rate * at) for at in (row["offset"], row["offset"] + row["duration"]))
        assert np.allclose(samples[begin:end], level, atol=1e-3)
        assert not samples[end : end + round(PAUSE * rate)].any()
    source = manifest.Source(path=str(tmp_path / "talks" / "talks.jsonl"))
    recordings = [one for item in source.items("talks") for one in source.read(item, Store("."))]
    assert [len(recording.supervisions) for recording in recordings] == [2, 2]
    assert write_talks(tmp_path / "raw", tmp_path / "talks", speakers=2).endswith("2 were kept")
