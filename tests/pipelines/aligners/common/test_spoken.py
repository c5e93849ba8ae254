"""What is said for what is written."""

import pytest

from weft.pipelines.aligners.common.spoken import language_of, spoken_forms


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Well,", ["well"]),
        ("don’t", ["don't"]),
        ("“'quoted'”", ["quoted"]),
        ("forty-two", ["forty", "two"]),
        ("a—b", ["a", "b"]),
        ("3,000.", ["3,000"]),
        ("10:30", ["10", "30"]),
        ("$5", ["5", "dollars"]),
        ("50%", ["50", "percent"]),
        ("&", ["and"]),
        ("NAÏVE", ["naïve"]),
        ("ﬁne", ["fine"]),
        ("-", []),
        ("…", []),
    ],
)
def test_what_is_said_for_what_is_written(written: str, spoken: list[str]) -> None:
    assert spoken_forms(written) == spoken


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("en", "en"),
        ("en-US", "en"),
        ("English", "en"),
        ("de_AT", "de"),
        ("german", "de"),
        ("", ""),
        ("eng", ""),
        ("klingon", ""),
    ],
)
def test_a_label_of_a_language(label: str, code: str) -> None:
    assert language_of(label) == code
