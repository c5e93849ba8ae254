"""Numbers as words, and everything else as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.aligners.common.spelling import spelt


@pytest.mark.parametrize(
    ("form", "language", "words"),
    [
        ("42", "en", "forty two"),
        ("1984", "en", "nineteen eighty four"),
        ("2024", "en", "two thousand and twenty four"),
        ("3,000", "en", "three thousand"),
        ("3rd", "en", "third"),
        ("3.5", "en", "three point five"),
        ("3,5", "de", "drei komma fünf"),
        ("10k", "en", "ten k"),
        ("12345678901234567890", "en", "one two three four five six seven eight nine zero " * 2),
        ("21", "de", "einundzwanzig"),
        ("well", "en", "well"),
        ("42", "tlh", "42"),
        ("b2b", "en", "b2b"),
    ],
)
def test_numbers_are_said(form: str, language: str, words: str) -> None:
    assert spelt(form, language) == words.split()


@given(st.from_regex(r"[0-9][0-9.,]{0,20}[a-z]{0,3}", fullmatch=True), st.sampled_from(["en", "de", "fr", "xx"]))
def test_nothing_fails_and_nothing_vanishes(form: str, language: str) -> None:
    assert all(spelt(form, language))
    assert spelt(form, language)
