"""Measures of codes whose values are known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.tokenizers.evaluation.metrics import abx, against_phones, distance, probe, unit_errors, usage


def test_a_single_code_carries_no_bits_and_no_negative_ones() -> None:
    assert str(usage([np.zeros(4, np.int64)], 2.0).bits_per_second) == "0.0"


def test_usage() -> None:
    figures = usage([np.array([0, 1, 2, 3]), np.array([0, 1, 2, 3])], 2.0)
    assert (figures.used, figures.perplexity, figures.tokens_per_second, figures.bits_per_second) == (4, 4.0, 4.0, 8.0)
    assert usage([], 0.0).tokens_per_second == 0


def test_codes_that_are_phones_explain_them_all_and_noise_explains_nothing() -> None:
    rng = np.random.default_rng(0)
    phones = rng.integers(0, 8, 20_000)
    renamed = np.random.default_rng(1).permutation(8)[phones]
    best = against_phones(renamed, phones)
    assert best.pnmi == pytest.approx(1) and best.purity == pytest.approx(best.code_purity) == pytest.approx(1)
    worst = against_phones(rng.integers(0, 8, 20_000), phones)
    assert worst.pnmi < 0.01 and worst.purity < 0.16
    half = against_phones(phones // 2, phones)
    assert (
        half.pnmi == pytest.approx(2 / 3, abs=0.01)
        and half.purity == pytest.approx(0.5, abs=0.02)
        and half.code_purity == pytest.approx(1)
    )
    assert math.isnan(against_phones(np.array([1, 2]), np.array([3, 3])).pnmi)
    with pytest.raises(ValueError, match="no frame"):
        against_phones(np.zeros(0, int), np.zeros(0, int))


def test_unit_errors() -> None:
    assert unit_errors([np.array([1, 2, 3, 4])], [np.array([1, 2, 3, 4])]) == 0
    assert unit_errors([np.array([1, 2, 3, 4])], [np.array([1, 9, 4])]) == 0.5
    assert math.isnan(unit_errors([], []))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_distance_is_a_share_and_symmetric(one: list[int], two: list[int]) -> None:
    there, back = distance(tuple(one), tuple(two)), distance(tuple(two), tuple(one))
    assert 0 <= there <= 1 and distance(tuple(one), tuple(one)) == 0
    assert (there == 0) == (back == 0)
    assert distance((1, 1, 1, 2), (1, 2, 2)) == 0  # how long it lasts does not matter


def test_abx_of_good_codes_noise_and_codes_of_the_speaker() -> None:
    rng = np.random.default_rng(0)
    phones = [str(p) for p in rng.integers(0, 5, 400)]
    speakers = [f"s{n % 4}" for n in range(400)]
    good = [(int(p),) * 3 for p in phones]
    noise = [tuple(rng.integers(0, 5, 3).tolist()) for _ in phones]
    voices = [(int(p) + (10 * int(s[1])),) * 3 for p, s in zip(phones, speakers, strict=True)]
    for across in (False, True):
        assert abx(phones, speakers, good, across, 1) == 0
        assert abx(phones, speakers, noise, across, 1) == pytest.approx(0.5, abs=0.05)
    assert abx(phones, speakers, voices, False, 1) == 0 and abx(phones, speakers, voices, True, 1) == 0.5
    assert math.isnan(abx(phones, ["s"] * 400, good, True, 1))


def test_a_probe_predicts_labels_that_the_codes_depend_on() -> None:
    rng = np.random.default_rng(0)
    labels = [f"s{n % 3}" for n in range(60)]
    related = [rng.integers(0, 4, 50) + 4 * (n % 3) for n in range(60)]
    assert probe(related, labels, 12, 1) == (1.0, pytest.approx(1 / 3))
    unrelated = [rng.integers(0, 12, 50) for _ in range(60)]
    assert probe(unrelated, labels, 12, 1)[0] < 0.6
    assert math.isnan(probe(related, ["one"] * 60, 12, 1)[0])
    assert probe([*related, *unrelated], [*labels, *[""] * 60], 12, 1) == (1.0, pytest.approx(1 / 3))
