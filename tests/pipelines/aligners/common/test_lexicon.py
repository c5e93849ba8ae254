"""Words that no dictionary holds, in CMU phones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pocketsphinx import Config

from weft.pipelines.aligners.common.lexicon import checked_language, phones_of, pronunciations, sounds


def cmu_phones() -> set[str]:
    with open(Config()["dict"]) as lines:
        return {phone for line in lines for phone in line.split()[1:]}


PHONES = cmu_phones()


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("weft", "W EH F T"),
        ("elephant", "EH L IH F AH N T"),
        ("hurry", "HH ER IY"),
        ("chair", "CH EH R"),
        ("vision", "V IH ZH AH N"),
        ("button", "B AH T AH N"),
        ("naïve", "N AY IY V"),
        ("3rd", "TH ER D"),
        ("3,000", "TH R IY TH AW Z AH N D"),
    ],
)
def test_a_word_is_said_in_the_phones_of_the_dictionary(word: str, phones: str) -> None:
    assert pronunciations(word)[0] == phones


def test_a_number_is_said_in_every_usual_way() -> None:
    assert "F AO R T UW" in pronunciations("42")
    assert "N AY N T IY N EY T IY F AO R" in pronunciations("1984")
    assert "N AY N T IY N OW F AY V" in pronunciations("1905")


@pytest.mark.parametrize("word", ["привет", "你好", "", "-"])
def test_what_has_no_latin_letter_has_no_pronunciation(word: str) -> None:
    assert pronunciations(word) == ()


def test_a_foreign_word_drops_the_marks_of_its_language() -> None:
    assert phones_of("(fr)ʁɑ̃devˈu(en-us)") == "R AA D EH V UW"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(categories=["Ll", "Nd"], max_codepoint=0x17F), min_size=1, max_size=12))
def test_whatever_is_written_comes_out_in_known_phones_and_the_same_again(word: str) -> None:
    readings = pronunciations(word)
    assert all(set(pronunciation.split()) <= PHONES for pronunciation in readings)
    assert pronunciations.__wrapped__(word) == readings


def test_the_phones_are_the_39_of_the_dictionary() -> None:
    from weft.pipelines.aligners.common import lexicon

    used = {phone for phones in lexicon._PHONES.values() for phone in phones.split()}
    assert used == PHONES - {"SIL"}


def test_another_language_in_its_own_sounds_and_in_the_nearest_english_ones() -> None:
    assert sounds("ich", "de") == (("ɪ", "ç"),)
    assert pronunciations("ich", "de") == ("IH HH",)
    assert sounds("кот", "ru")
    assert sounds("кот", "de") == ()
    assert len(sounds("42", "de")) == 2


def test_a_language_needs_a_voice() -> None:
    assert checked_language("pt-br") == "pt-br"
    for wrong in ("xx", "", "../en", "de;rm"):
        with pytest.raises(ValueError, match="no voice"):
            checked_language(wrong)
