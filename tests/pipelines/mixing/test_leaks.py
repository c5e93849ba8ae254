"""A name in two splits is found, whichever comes first and whatever tables it lies in; nothing is found where there is nothing."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.mixing.leaks import EXAMPLES, Leak, leak
from weft.schemas.splits import SPLITS

Row = tuple[str | None, str, str]


def tables(*rows: Row, size: int = 2) -> Callable[[], Iterator[pa.Table]]:
    """Tables of two rows of name, split and key."""

    def read() -> Iterator[pa.Table]:
        for begin in range(0, len(rows), size):
            name, split, key = (
                pa.array(column, pa.string()) for column in zip(*rows[begin : begin + size], strict=True)
            )
            yield pa.table({"name": name, "split": split, "key": key})

    return read


CLEAN: tuple[Row, ...] = (
    ("s1", "train", "a-1"), ("s1", "train", "a-2"), ("s2", "validation", "a-3"), ("s3", "test", "a-4"),
    (None, "train", "a-5"), (None, "test", "a-6"), ("s2", "validation", "a-7"),
)  # fmt: skip


def test_clean_splits_have_no_leak_and_an_unknown_name_is_none() -> None:
    assert leak("speaker", tables(*CLEAN)) == Leak("speaker", 0, ())


@pytest.mark.parametrize(
    ("row", "example"),
    [
        (("s1", "test", "a-9"), "s1: test (a-9), train (a-1)"),
        (("s2", "train", "a-9"), "s2: train (a-9), validation (a-3)"),
        (("s3", "validation", "a-9"), "s3: test (a-4), validation (a-9)"),
    ],
)
def test_a_name_in_two_splits_is_named_with_both_places(row: Row, example: str) -> None:
    assert leak("key", tables(*CLEAN, row)) == leak("key", tables(row, *CLEAN, size=3)) == Leak("key", 1, (example,))


def test_of_no_rows_and_of_training_alone_there_is_no_leak() -> None:
    assert leak("key", tables()).names == leak("key", tables(*CLEAN[:2])).names == 0


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from(SPLITS)), max_size=25), st.integers(1, 9))
def test_leaks_are_counted_and_the_first_three_are_shown(given: list[tuple[str, str]], size: int) -> None:
    found = leak("key", tables(*((name, split, f"k{n}") for n, (name, split) in enumerate(given)), size=size))
    splits = {name: {split for other, split in given if other == name} for name, _ in given}
    shared = sorted(name for name, of in splits.items() if len(of) > 1)
    assert found.names == len(shared) and [e.partition(":")[0] for e in found.examples] == shared[:EXAMPLES]
    assert all(f"{split} (" in e for e in found.examples for split in splits[e.partition(":")[0]])
