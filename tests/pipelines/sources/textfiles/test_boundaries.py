"""Boundaries are found by one rule from a position alone, in order, and no further than they may reach."""

import io
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.pipelines.sources.textfiles.boundaries import (
    LINE,
    PARAGRAPH,
    WINDOW,
    Boundary,
    Delimiter,
    boundary,
    separator_pattern,
)


class Counted(io.BytesIO):
    """A file that counts the bytes that were read."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


@given(
    content=st.text("ab \n-é", max_size=400),
    delimiter=st.sampled_from(
        [
            Delimiter(pattern=PARAGRAPH, reach=WINDOW),
            Delimiter(pattern=LINE, reach=WINDOW, soft=False),
            Delimiter(pattern=separator_pattern("--"), reach=WINDOW, width=4),
        ]
    ),
)
@settings(max_examples=200)
def test_boundaries_are_in_order_and_lie_at_delimiters_or_the_end(content: str, delimiter: Delimiter) -> None:
    data = content.encode()
    found = [boundary(io.BytesIO(data), n, delimiter) for n in range(len(data) + 1)]
    assert all(one.position <= two.position for one, two in pairwise(found))
    ends = {m.end() for m in delimiter.pattern.finditer(data)} | {len(data)}
    if delimiter.pattern is not PARAGRAPH:  # a stretch may begin in a blank line, and end at the next but one
        assert {b.position for b in found} <= ends
    assert all(b.is_end for b in found)


def test_a_file_without_an_end_is_read_no_further_than_the_reach() -> None:
    file = Counted(b"x" * (100 * WINDOW))
    found = boundary(file, 5, Delimiter(pattern=PARAGRAPH, reach=8 * WINDOW))
    assert found == Boundary(position=5, is_end=False)
    assert file.count < 16 * WINDOW


def test_an_end_within_reach_is_found_however_far_it_is() -> None:
    data = b"x" * (7 * WINDOW) + b"\n\n" + b"y" * (9 * WINDOW)
    found = boundary(io.BytesIO(data), 5, Delimiter(pattern=PARAGRAPH, reach=8 * WINDOW))
    assert found == Boundary(position=7 * WINDOW + 2, is_end=True)


@pytest.mark.parametrize(
    ("data", "position"), [(b"ab\n\ncd", 4), (b"ab\ncd ef", 3), (b"ab cd", 3), ("é雨".encode()[1:], 1)]
)
def test_without_an_end_it_is_a_paragraph_else_a_line_else_a_word_else_a_character(data: bytes, position: int) -> None:
    nowhere = Delimiter(pattern=separator_pattern("<end>"), reach=WINDOW)
    file = io.BytesIO(data + b"x" * 2 * WINDOW)
    assert boundary(file, 0, nowhere) == Boundary(position=position, is_end=False)


@pytest.mark.parametrize("separator", ["---", "abab", "<|endoftext|>", "\n--\n", "雨雨"])
def test_a_separator_takes_all_that_overlap_with_it(separator: str) -> None:
    runs = [separator, separator * 2]
    overlap = next((n for n in range(1, len(separator)) if separator[:-n] == separator[n:]), None)
    runs += [separator + separator[-overlap:]] if overlap else []
    for run in runs:
        assert re.fullmatch(separator_pattern(separator), run.encode())
        assert re.fullmatch(separator_pattern(separator), run.replace("\n", "\r\n").encode())
