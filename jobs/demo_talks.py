"""Recordings of several utterances for the recipes that need such: the demo's sentences of one speaker, joined with pauses.

demo/talks/speaker00.flac  …  talks.jsonl: {"audio": "speaker00.flac", "offset": 0.0, "duration": 2.41, "text": "…", …}
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from weft.jobs.printing import escape
from weft.pipelines.audio.sound import flac

PAUSE = 0.6  # seconds between two sentences


def write_talks(raw: Path, folder: Path, speakers: int = 24) -> str:
    """Joins the sentences of the first speakers of `raw`, where that was not done before."""
    talks = sorted(path for path in raw.iterdir() if path.is_dir())[:speakers]
    is_new = [write_once(folder / f"{talk.name}.flac", partial(_joined, talk)) for talk in talks]
    write_once(folder / "talks.jsonl", lambda: "".join(line for talk in talks for line in _lines(talk)).encode())
    return f"joined {sum(is_new)} recordings of several sentences in {escape(str(folder))}, {len(talks) - sum(is_new)} were kept"


def _sentences(talk: Path) -> Iterator[tuple[np.ndarray, int, str]]:
    """Samples, their rate, and the text."""
    for path in sorted(talk.glob("*.flac")):
        samples, rate = soundfile.read(path, dtype="float32")
        yield samples, rate, path.with_suffix(".txt").read_text("utf-8").strip()


def _joined(talk: Path) -> bytes:
    spoken = list(_sentences(talk))
    rate = spoken[0][1]
    pause = np.zeros(round(PAUSE * rate), np.float32)
    return flac(np.concatenate([piece for samples, _, _ in spoken for piece in (samples, pause)]), rate)


def _lines(talk: Path) -> Iterator[str]:
    at = 0.0
    for samples, rate, text in _sentences(talk):
        seconds = len(samples) / rate
        line = {"audio": f"{talk.name}.flac", "offset": at, "duration": seconds, "text": text, "speaker": talk.name}
        yield json.dumps(line) + "\n"
        at += seconds + round(PAUSE * rate) / rate


def write_once(path: Path, content: Callable[[], bytes]) -> bool:
    """Writes a missing file, whole or not at all. Returns whether it was missing."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".part")
    scratch.write_bytes(content())
    scratch.rename(path)
    return True
