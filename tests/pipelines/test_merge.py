"""Streams of several tokenizers become one stream of the utterance; what holds none is rejected."""

from collections.abc import Sequence

import pytest

from weft.pipelines.merge import Merge
from weft.pipelines.parts.joining import JoinedRow
from weft.schemas.audio import Audio, Codes, Utterance
from weft.schemas.ledger import Reject
from weft.schemas.recipe_sections import StreamSettings

UTTERANCE = Utterance(
    key="u", recording="r", source="talks", audio=Audio("/a.wav"), sha256="", start=1.0, end=1.2, path="a.wav"
)
BY_TIME = StreamSettings(merge="time", of=("pitch", "hubert"))
DUAL = StreamSettings(merge="groups", of=("slow", "fast"), sizes=(2, 3))


def codes(name: str, rate: float, ids: Sequence[int], starts: Sequence[int], ticks: int) -> Codes:
    return Codes(
        key="u", seconds=0.2, tokenizers=(name,), models=(f"{name}-1 9f",), rate=rate, ticks=ticks, which=(0,) * len(ids),
        ids=tuple(ids), starts=tuple(starts),
    )  # fmt: skip


def merged(stream: StreamSettings, *of: Codes) -> Codes | Reject:
    (made,) = Merge(name="both", stream=stream)(
        [JoinedRow(utterance=UTTERANCE, codes=dict(zip(stream.of, of, strict=True)))]
    )
    return made


def test_by_time_a_code_that_lasts_keeps_its_begin() -> None:
    """Code 7 of hubert lasts three of its frames of 0.04 s: 9 begins with tick 3, after the pitch 4 of tick 2."""
    made = merged(BY_TIME, codes("pitch", 12.5, (3, 4), (0, 1), 3), codes("hubert", 25.0, (7, 9), (0, 3), 5))
    assert made == Codes(
        key="u", seconds=0.2, tokenizers=("pitch", "hubert"), models=("pitch-1 9f", "hubert-1 9f"), rate=25.0, ticks=6,
        which=(0, 1, 0, 1), ids=(3, 7, 4, 9), starts=(0, 0, 2, 3),
    )  # fmt: skip


def test_groups_begin_together_and_a_remainder_is_dropped() -> None:
    slow = codes("slow", 50 / 3, (1, 2, 3), range(3), 3)
    made = merged(DUAL, slow, codes("fast", 25.0, (5, 6, 7, 8, 9), range(5), 5))
    assert isinstance(made, Codes)
    assert (made.which, made.ids, made.starts) == ((0, 0, 1, 1, 1), (1, 2, 5, 6, 7), (0,) * 5)
    assert made.ticks / made.rate == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("stream", "fast", "lacks"),
    [(DUAL, (5, 6), "group of 2 slow and 3 fast"), (BY_TIME, (), "code")],
    ids=["groups", "time"],
)
def test_an_utterance_that_holds_none_is_rejected(stream: StreamSettings, fast: tuple[int, ...], lacks: str) -> None:
    slow = codes("slow", 50 / 3, fast, range(len(fast)), len(fast))
    reject = merged(stream, slow, codes("fast", 25.0, fast, range(len(fast)), len(fast)))
    assert isinstance(reject, Reject)
    assert (reject.key, reject.stage, reject.reason, reject.path) == ("u", "merge", "no_group", "a.wav")
    assert reject.detail == f"0.200 s hold no {lacks}" and reject.seconds == pytest.approx(0.2)
