"""The ledger's row says what does not add up."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.schemas.ledger import LedgerRow

BALANCED = LedgerRow(
    node="compose/words/pass-0/speech", part=3, items_in=98, items_made=2, items_out=91, items_rejected=4, items_held=5,
    items_absent=1, seconds_in=500.0, seconds_made=10.0, seconds_out=465.0, seconds_rejected=30.0, seconds_held=15.0,
    seconds_absent=5.0,
)  # fmt: skip


def test_a_row_that_adds_up_has_no_imbalance() -> None:
    assert BALANCED.imbalance() == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items_out": 90}, "1 item vanished"),
        ({"items_rejected": 6}, "2 items appeared"),
        ({"items_held": 4}, "1 item vanished"),
        ({"seconds_out": 464.0}, "1.000000 s vanished"),
        ({"seconds_rejected": 30.5}, "0.500000 s appeared"),
        ({"seconds_held": 15.25}, "0.250000 s appeared"),
        ({"seconds_out": float("nan")}, "nan s appeared"),
    ],
)
def test_an_imbalance_is_named_with_its_place_and_amount(change: dict[str, float], message: str) -> None:
    assert replace(BALANCED, **change).imbalance() == f"compose/words/pass-0/speech part 3: {message}"


@given(
    field=st.sampled_from(
        [f.name for f in fields(LedgerRow) if f.name.startswith("items_") and "absent" not in f.name]
    ),
    by=st.integers(-50, 50).filter(bool),
)
def test_any_item_too_many_or_too_few_is_seen(field: str, by: int) -> None:
    assert replace(BALANCED, **{field: getattr(BALANCED, field) + by}).imbalance()


@given(
    field=st.sampled_from([f"seconds_{w}" for w in ("in", "made", "out", "rejected", "held")]),
    by=st.floats(0.001, 1e6) | st.floats(-1e6, -0.001),
)
def test_a_millisecond_is_seen(field: str, by: float) -> None:
    assert replace(BALANCED, **{field: getattr(BALANCED, field) + by}).imbalance()


@given(noise=st.floats(-1e-7, 1e-7))
def test_the_last_bits_of_sums_are_not_an_imbalance(noise: float) -> None:
    assert replace(BALANCED, seconds_out=BALANCED.seconds_out + noise).imbalance() == ""
