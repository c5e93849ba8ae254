"""Two answers stand at the end of a dialogue, chosen and then rejected, and differ."""

from dataclasses import replace

import pytest

from weft.schemas.dialogue import checked
from weft.schemas.ledger import Unusable
from weft.schemas.text import Origin, Turn

ASKED = Turn(speaker="human", role="human", text="And you?")
FINE = Turn(speaker="assistant", role="assistant", text="Fine.", answer="chosen")
NO = replace(FINE, text="No.", answer="rejected")


@pytest.mark.parametrize(
    "turns",
    [(ASKED, FINE, NO), (ASKED, FINE, FINE, NO), (ASKED, FINE, replace(FINE, answer="rejected", emotion="sad"))],
)
def test_a_pair_is_right(turns: tuple[Turn, ...]) -> None:
    assert checked(turns) == turns


@pytest.mark.parametrize(
    ("turns", "reason", "fault"),
    [
        ((ASKED, FINE, replace(FINE, answer="rejected")), "equal_answers", "chosen and its rejected answer are equal"),
        ((ASKED, FINE, replace(FINE, answer="rejected", origin=Origin(writer="w"))), "equal_answers", "are equal"),
        ((ASKED, replace(FINE, answer="best"), NO), "bad_dialogue", "turn 2: unknown answer 'best'"),
        ((replace(ASKED, answer="chosen"), NO), "bad_dialogue", "turn 1: only the assistant answers, not 'human'"),
        ((ASKED, FINE), "bad_dialogue", "its last turns must be the answer marked `chosen`"),
        ((ASKED, NO, FINE), "bad_dialogue", "its last turns must be"),
        ((ASKED, FINE, NO, ASKED), "bad_dialogue", "its last turns must be"),
        ((FINE, NO), "bad_dialogue", "its answers have no turn before them"),
    ],
)
def test_what_is_no_pair_is_refused(turns: tuple[Turn, ...], reason: str, fault: str) -> None:
    with pytest.raises(Unusable) as caught:
        checked(turns)
    assert caught.value.reason == reason and fault in caught.value.detail
