"""BPE of texts with runs that no language has."""

import random
import string

from weft.tokenizers.bpe import Tokenizer


def test_a_word_of_megabytes_is_learnt_from_in_pieces() -> None:
    """In time that grows with its length alone; what is encoded comes out as it was."""
    letters = random.Random(1)
    word = "".join(letters.choices(string.ascii_lowercase, k=1_000_000))
    made = Tokenizer(size=600).train(["the words of a text", word])
    assert len(made) > 257 and made.decode(made.encode(word[:5000])) == word[:5000]


def test_other_texts_are_learnt_from_as_they_are() -> None:
    texts = ["the words of the text and the other words", "x" * 200 + " the"] * 3
    plain = Tokenizer(size=300).train(texts)
    assert plain.tokenize(" the words") == ["Ġthe", "Ġwords"]
