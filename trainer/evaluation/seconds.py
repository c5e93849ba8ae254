"""The seconds of speech that each token of a sample stands for, by the segments of its KEY.json.

    token_seconds(record, 5)      [0, 0.42, 0.42, 0, 1.9]

A segment of speech codes stands for the seconds of its stream, a segment of text for those in which the text is spoken; its tokens
share them equally. Text that nobody speaks, markers and a template's words stand for none. An utterance whose text and codes
alternate is several segments of each modality with the same seconds: they share them too.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np


def token_seconds(record: Mapping[str, Any], tokens: int) -> np.ndarray:
    """(tokens,) float64."""
    seconds = np.zeros(tokens)
    for stretch in _stretches(record["segments"]):
        share = (stretch[0]["stop"] - stretch[0]["start"]) / sum(one["end"] - one["begin"] for one in stretch)
        for one in stretch:
            seconds[one["begin"] : one["end"]] = share
    return seconds


def _stretches(segments: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Segments that share their seconds: of one modality, with the same times, and no segment without times between them."""
    stretches: dict[str, list[Mapping[str, Any]]] = {}
    for segment in segments:
        if segment["stop"] <= segment["start"]:
            yield from stretches.values()
            stretches = {}
            continue
        begun = stretches.get(segment["modality"], [])
        if begun and (begun[0]["start"], begun[0]["stop"]) != (segment["start"], segment["stop"]):
            yield begun
            begun = []
        stretches[segment["modality"]] = [*begun, segment]
    yield from stretches.values()
