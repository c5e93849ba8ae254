"""Text of a reply is what is read: no markers, codes, padding rows, nor what begins, pads and ends a text."""

from dataclasses import replace

import numpy as np

from tests.trainer.toys import CODE, END, OPEN, READER, TEXT_PAD, VOCABULARY
from weft.trainer.replies import text_ids


def test_the_ids_of_text() -> None:
    assert np.flatnonzero(text_ids(VOCABULARY)).tolist() == list(range(20))
    framed = replace(VOCABULARY, bos=3, pad=4, ends=(END, 5))
    assert np.flatnonzero(text_ids(framed)).tolist() == [0, 1, 2, *range(6, 20)]


def test_the_text_of_ids() -> None:
    assert READER.text(np.array([7, CODE, 8, TEXT_PAD, OPEN, 40, 9])) == "w7 w8 w9"
