"""Names in two splits are found, each kind by what its names are; nothing is found where there is nothing."""

import hashlib
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from weft.pipelines.mixing.leaks import COLUMNS, Leak, leaks

Row = tuple[str, str, str, str, str]
SPACES = {"read": "people", "calls": "people", "other": "other"}


def index(*rows: Row, size: int = 2) -> Callable[[], Iterator[pa.Table]]:
    """Tables of two rows of parent, source, speaker, text and split."""

    def tables() -> Iterator[pa.Table]:
        for begin in range(0, len(rows), size):
            some = [
                (p, s, w, hashlib.blake2b(t.encode(), digest_size=8).hexdigest(), x)
                for p, s, w, t, x in rows[begin : begin + size]
            ]
            yield pa.table(dict(zip(COLUMNS, map(list, zip(*some, strict=True)), strict=True)))

    return tables


CLEAN: tuple[Row, ...] = (
    ("a-1", "read", "s1", "one", "train"), ("a-1", "read", "s1", "one", "train"), ("a-2", "read", "", "", "train"),
    ("a-3", "read", "s2", "two", "validation"), ("a-4", "other", "s1", "", "validation"), ("a-5", "other", "", "", "test"),
    ("talk-0123456789ab-0000", "talks", "caller", "hm", "train"), ("talk-ba9876543210-0000", "talks", "caller", "no", "validation"),
)  # fmt: skip


def test_clean_splits_have_no_leak() -> None:
    """Two sources may each have an s1, a dialogue its own caller, and neither silence nor an unknown speaker is a name."""
    assert leaks(index(*CLEAN), SPACES) == ()


@pytest.mark.parametrize(
    ("row", "leak"),
    [
        (("a-1", "read", "", "", "validation"), Leak("key", 1, ("a-1: train (a-1), validation (a-1)",))),
        (("a-9", "calls", "s1", "", "validation"), Leak("speaker", 1, ("people/s1: train (a-1), validation (a-9)",))),
        (("a-9", "other", "s1", "", "test"), Leak("speaker", 1, ("other/s1: test (a-9), validation (a-4)",))),
        (("talk-ba9876543210-0001", "talks", "caller", "", "train"),
         Leak("speaker", 1, ("talk-ba9876543210/caller: train (talk-ba9876543210-0001), validation (talk-ba9876543210-0000)",))),
    ],
)  # fmt: skip
def test_a_name_in_two_splits_is_named_with_both_places(row: Row, leak: Leak) -> None:
    assert leaks(index(*CLEAN, row), SPACES) == leaks(index(row, *CLEAN), SPACES) == (leak,)


def test_a_text_in_two_splits() -> None:
    (leak,) = leaks(index(*CLEAN, ("a-9", "other", "", "one", "test")), SPACES)
    assert (leak.kind, leak.names) == ("text", 1)
    assert leak.examples[0].endswith(": test (a-9), train (a-1)")


def test_leaks_are_counted_and_three_are_shown() -> None:
    rows = [(f"k{n}", "read", "", "", split) for n in range(9) for split in ("train", "validation")]
    (leak,) = leaks(index(*rows), SPACES)
    assert (leak.kind, leak.names, len(leak.examples)) == ("key", 9, 3)


def test_of_no_rows_there_is_no_leak() -> None:
    assert leaks(index(), {}) == leaks(index(*CLEAN[:1]), {}) == ()
