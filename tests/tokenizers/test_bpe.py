"""BPE of texts with runs that no language has."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.tokenizers.bpe import LONGEST, Tokenizer, without_long_runs


def test_a_word_of_megabytes_is_learnt_from_in_pieces() -> None:
    """In time that grows with its length alone; what is encoded comes out as it was."""
    letters = random.Random(1)
    word = "".join(letters.choices(string.ascii_lowercase, k=1_000_000))
    tokenizer = Tokenizer(size=600).train(["the words of a text", word])
    assert len(tokenizer) > 257 and tokenizer.decode(tokenizer.encode(word[:5000])) == word[:5000]


def test_other_texts_are_learnt_from_as_they_are() -> None:
    texts = ["the words of the text and the other words", "x" * 200 + " the"] * 3
    plain = Tokenizer(size=300).train(texts)
    assert plain.tokenize(" the words") == ["Ġthe", "Ġwords"]


@given(st.lists(st.sampled_from(["a", "7", "!", " ", "_", "\n", "漢"]), max_size=6), st.integers(1, 3 * LONGEST))
def test_nothing_is_lost_and_no_run_is_long(kinds: list[str], length: int) -> None:
    text = "".join(kind * length for kind in kinds)
    pieces = list(without_long_runs(text))
    assert "".join(pieces) == text
    assert all(kind * (2 * LONGEST) not in piece for kind in kinds for piece in pieces)


@pytest.mark.parametrize("sign", [" ", "ab", "_"])
def test_runs_of_any_kind_are_learnt_from_in_pieces(sign: str) -> None:
    """At the square of its length each would take hours."""
    assert len(Tokenizer(size=300).train([sign * (1 << 20), "the cat sat on the mat " * 50])) > 257
