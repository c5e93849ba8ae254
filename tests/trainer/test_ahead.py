"""Items made ahead: in order, a few at most, with their faults in their places, and no thread that stays."""

import threading
from collections.abc import Iterator

import pytest

from weft.trainer.ahead import ahead


def threads() -> int:
    return sum(thread.name.startswith("ahead") for thread in threading.enumerate())


def test_all_items_in_order() -> None:
    with ahead(range(20)) as items:
        assert list(items) == list(range(20))
    with ahead(()) as items:
        assert not list(items)
    assert not threads()


def test_no_more_than_a_few_are_made_before_they_are_asked_for() -> None:
    made: list[int] = []

    def making() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    with ahead(making(), depth=3) as items:
        for number in items:
            assert len(made) <= number + 1 + 3
            if number == 5:
                break
    assert len(made) <= 9 and not threads()


def test_they_are_made_in_another_thread_while_one_is_used() -> None:
    second = threading.Event()

    def making() -> Iterator[threading.Thread]:
        yield threading.current_thread()
        second.set()
        yield threading.current_thread()

    with ahead(making()) as items:
        assert next(items) is not threading.current_thread()
        assert second.wait(10)


def test_a_fault_is_raised_where_its_item_would_be() -> None:
    def making() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("draw 3, sample s0003, has members that cannot be used")

    used: list[int] = []
    with pytest.raises(ValueError, match="sample s0003"), ahead(making()) as items:
        for item in items:
            used.append(item)
    assert used == [1, 2] and not threads()


def test_the_thread_ends_where_the_loop_fails() -> None:
    with pytest.raises(FloatingPointError), ahead(iter(range(99))) as items:
        next(items)
        raise FloatingPointError
    assert not threads()
