"""The seconds that the tokens of a sample stand for."""

import pytest

from weft.trainer.evaluation.seconds import token_seconds


def record(*segments: tuple[str, int, int, float, float]) -> dict[str, object]:
    names = ("modality", "begin", "end", "start", "stop")
    return {"segments": [dict(zip(names, segment, strict=True)) for segment in segments]}


def test_tokens_share_the_seconds_of_their_segment() -> None:
    sample = record(("speech", 0, 1, 0, 0), ("speech", 1, 5, 0.5, 1.3), ("text", 5, 6, 0, 0), ("text", 6, 8, 1.3, 2.3))
    assert token_seconds(sample, 8).tolist() == pytest.approx([0, 0.2, 0.2, 0.2, 0.2, 0, 0.5, 0.5])


def test_segments_of_one_utterance_by_a_ratio_share_them() -> None:
    chunks = [
        ("text", 0, 1, 0, 3.0),
        ("speech", 1, 5, 0, 3.0),
        ("text", 5, 7, 0, 3.0),
        ("speech", 7, 9, 0, 3.0),
        ("speech", 9, 11, 0, 3.0),
    ]
    seconds = token_seconds(record(*chunks), 11)
    assert seconds[[0, 5, 6]].sum() == pytest.approx(3.0)
    assert seconds[[1, 2, 3, 4, 7, 8, 9, 10]].tolist() == pytest.approx([3.0 / 8] * 8)


@pytest.mark.parametrize("between", [("speech", 2, 3, 0, 0), ("text", 2, 3, 0.0, 2.5)])
def test_another_utterance_of_the_same_length_has_its_own(between: tuple[str, int, int, float, float]) -> None:
    seconds = token_seconds(record(("text", 0, 2, 0, 1.5), between, ("text", 3, 6, 0, 1.5)), 6)
    assert seconds[[0, 1]].tolist() == [0.75, 0.75] and seconds[3:].tolist() == [0.5, 0.5, 0.5]


def test_text_that_nobody_speaks_has_none() -> None:
    assert not token_seconds(record(("text", 0, 4, 0.0, 0.0)), 4).any()
