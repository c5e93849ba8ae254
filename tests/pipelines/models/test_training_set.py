"""What a model learns from: the least hashes until the seconds are reached, whatever the order, and few rows are kept."""

import random
from collections.abc import Iterator

from weft.pipelines.models.training_set import HashedRow, least


def rows(count: int) -> list[HashedRow]:
    chance = random.Random(3)
    return [(chance.getrandbits(64), f"u{n}", chance.uniform(0.1, 9), f"part-{n % 7}") for n in range(count)]


def test_the_least_hashes_are_taken_until_the_seconds_are_reached() -> None:
    given = rows(500)
    chosen = least(given, 60.0)
    assert chosen == sorted(given)[: len(chosen)]
    assert sum(row[2] for row in chosen[:-1]) < 60.0 <= sum(row[2] for row in chosen)


def test_the_order_of_rows_changes_nothing() -> None:
    given = rows(500)
    assert least(reversed(given), 60.0) == least(sorted(given), 60.0) == least(given, 60.0)


def test_all_are_taken_where_there_are_too_few() -> None:
    assert least(rows(5), 1e6) == sorted(rows(5))


def test_the_rest_is_forgotten_while_it_is_read() -> None:
    alive: set[int] = set()

    class Key(str):
        def __del__(self) -> None:
            alive.discard(id(self))

    def stream() -> Iterator[HashedRow]:
        for number, _, seconds, part in rows(5000):
            key = Key(number)
            alive.add(id(key))
            yield number, key, seconds, part
            most.append(len(alive))

    most: list[int] = []
    least(stream(), 20.0)
    assert max(most) < 50
