"""Voice activity in seven meeting clips beside turns written down by hand: time that is wrong, in percent of the time that is speech.

webrtcvad, the peer that everybody has, was measured once on these clips at 26.8 %.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr

from weft.benchmarks.support.common import Figure, alone
from weft.benchmarks.support.labelled import DATA
from weft.pipelines.segmenters.base import SpeakerSpan
from weft.pipelines.segmenters.silero import Segmenter
from weft.pipelines.timings import rttm

TITLE = "voice activity: error on meetings"
RATE, FRAMES = 16_000, 100  # a second
WEBRTC = 26.8


def measure(folder: Path) -> list[Figure]:
    meetings = turns()
    if not meetings:
        return [Figure("no shared data here (WEFT_DATA)", 0, "meetings")]
    segmenter = Segmenter()
    segmenter.setup()
    detected = error(meetings, lambda samples: segmenter.speech([samples]))
    merged = error(meetings, lambda samples: segmenter.utterances(segmenter.speech([samples])))
    return [
        Figure(name="silero, detected speech", value=detected, unit="% of the speech", limit=15.0),
        Figure(name="silero, utterances", value=merged, unit="% of the speech", limit=15.0),
        Figure(name="webrtcvad / silero", value=WEBRTC / detected, unit="x", limit=1.0, at_least=True),
    ]


def turns() -> dict[str, list[tuple[float, float]]]:
    """Spans of speech by meeting, of those whose audio is there."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for table in sorted((DATA / "ami_pyannote").glob("*.rttm")):
        lines = table.read_bytes().splitlines()
        for name in sorted({line.split()[1].decode() for line in lines if line.strip()}):
            mine = b"\n".join(line for line in lines if line.split()[1] == name.encode())
            if (table.parent / f"{name}.wav").exists():
                spans[name] = [(s.start, s.end) for s in rttm.read(mine).supervisions]
    return spans


def error(meetings: dict[str, list[tuple[float, float]]], speech: Callable[[np.ndarray], list[SpeakerSpan]]) -> float:
    wrong = spoken = 0
    for name, spans in meetings.items():
        samples, rate = soundfile.read(DATA / "ami_pyannote" / f"{name}.wav", dtype="float32", always_2d=True)
        samples = soxr.resample(samples.mean(1), rate, RATE).astype(np.float32)
        want = _frames(spans, len(samples))
        have = _frames([(p.start, p.end) for p in speech(samples)], len(samples))
        wrong, spoken = wrong + int((want != have).sum()), spoken + int(want.sum())
    return 100 * wrong / spoken


def _frames(spans: list[tuple[float, float]], samples: int) -> np.ndarray:
    out = np.zeros(samples * FRAMES // RATE, bool)
    for start, end in spans:
        out[round(start * FRAMES) : round(end * FRAMES)] = True
    return out


if __name__ == "__main__":
    alone(TITLE, measure)
