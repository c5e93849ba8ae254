"""The ledger row of a part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.parts.accounting import total
from weft.schemas.audio import Audio, Utterance


def utterance(key: str, seconds: float) -> Utterance:
    return Utterance(key=key, recording=key, source="s", audio=Audio("a.wav"), sha256="", start=0.0, end=seconds)


@given(seconds=st.lists(st.floats(0.05, 3600, allow_nan=False), max_size=60))
def test_sums_are_the_same_in_any_order(seconds: list[float]) -> None:
    records = [utterance(str(n), s) for n, s in enumerate(seconds)]
    assert total(records) == pytest.approx(sum(seconds), abs=1e-6)
    assert total(records) == pytest.approx(total(records[::-1]), abs=1.1e-6)
