"""espeak's voices, and the parameters that multiply the pitch of each."""

import pytest

from weft.pipelines.voices.common.espeak_voices import Pitch, pitch_of, voices_of


def test_the_pitch_of_a_variant_goes_before_that_of_its_voice() -> None:
    assert pitch_of("gmw/en-US", "f2") == Pitch(low=142, high=220)
    assert pitch_of("aav/vi", "") == pitch_of("aav/vi", "max") == Pitch(low=95, high=175)
    assert pitch_of("gmw/en-US", "") == Pitch(low=82, high=118)


def test_no_factor_changes_nothing() -> None:
    assert Pitch(low=142, high=220).parameters(1.0) == (50, 50)


def test_a_wide_voice_needs_a_higher_base_than_a_flat_one() -> None:
    assert Pitch(low=100, high=100).parameters(1.5) == (79, 75)
    assert Pitch(low=120, high=280).parameters(1.5)[0] > 90


@pytest.mark.parametrize("factor", [0.01, 0.5, 2.0, 100.0])
def test_parameters_stay_in_range(factor: float) -> None:
    assert all(0 <= value <= 99 for value in Pitch(low=43, high=120).parameters(factor))


def test_a_language_has_its_dialects_and_an_unknown_one_has_none() -> None:
    assert {"gmw/en-US", "gmw/en"} <= set(voices_of("en"))
    assert voices_of("EN-us")[0] == "gmw/en-US"
    assert voices_of("xx") == ()
