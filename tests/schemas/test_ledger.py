"""The ledger's row says what does not add up."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.schemas.ledger import LedgerRow

BALANCED = LedgerRow("align/speech", 3, 98, 2, 96, 4, 1, 500.0, 10.0, 480.0, 30.0, 5.0)


def test_a_row_that_adds_up_has_no_imbalance() -> None:
    assert BALANCED.imbalance() == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"items_out": 95}, "align/speech part 3: 1 items vanished"),
        ({"items_rejected": 6}, "align/speech part 3: 2 items appeared"),
        ({"seconds_out": 479.0}, "align/speech part 3: 1.000000 s vanished"),
        ({"seconds_rejected": 30.5}, "align/speech part 3: 0.500000 s appeared"),
        ({"seconds_out": float("nan")}, "align/speech part 3: nan s appeared"),
    ],
)
def test_an_imbalance_is_named_with_its_place_and_amount(change: dict[str, float], said: str) -> None:
    assert replace(BALANCED, **change).imbalance() == said


@given(
    field=st.sampled_from(
        [f.name for f in fields(LedgerRow) if f.name.startswith("items_") and "absent" not in f.name]
    ),
    by=st.integers(-50, 50).filter(bool),
)
def test_any_item_too_many_or_too_few_is_seen(field: str, by: int) -> None:
    assert replace(BALANCED, **{field: getattr(BALANCED, field) + by}).imbalance()


@given(
    field=st.sampled_from([f"seconds_{w}" for w in ("in", "made", "out", "rejected")]),
    by=st.floats(0.001, 1e6) | st.floats(-1e6, -0.001),
)
def test_a_millisecond_is_seen(field: str, by: float) -> None:
    assert replace(BALANCED, **{field: getattr(BALANCED, field) + by}).imbalance()


@given(noise=st.floats(-1e-7, 1e-7))
def test_the_last_bits_of_sums_are_not_an_imbalance(noise: float) -> None:
    assert replace(BALANCED, seconds_out=BALANCED.seconds_out + noise).imbalance() == ""
