"""Whether data suffice."""

from fractions import Fraction

import pytest

from weft.pipelines.mixing.shortfall import SpeakerDemand
from weft.pipelines.mixing.sufficiency import Balance


def demand(together: str) -> SpeakerDemand:
    """Of two speakers who may fill `together` of the half of task `a` that is due of one source."""
    return SpeakerDemand(
        path="a/few", task="a", most=Fraction("0.2"), share=Fraction(1, 2), together=Fraction(together), names=2
    )


@pytest.mark.parametrize(
    ("balance", "short", "few", "never"),
    [
        (Balance(due=10, held=10), False, False, False),
        (Balance(due=10, held=10 - 1e-10), False, False, False),  # rounding
        (Balance(due=10, held=9.9), True, False, False),
        (Balance(due=10, held=20, allowed=9.9), False, True, False),
        (Balance(due=10, held=20, allowed=10, demand=demand("0.5")), False, False, False),
        (Balance(due=10, held=20, allowed=20, demand=demand("0.4")), False, True, True),
    ],
)
def test_what_is_due_is_compared_with_data_and_speakers(balance: Balance, short: bool, few: bool, never: bool) -> None:
    assert (balance.is_short, balance.has_few_speakers, balance.can_never_suffice) == (short, few, never)
    assert balance.is_enough == (not (short or few))
