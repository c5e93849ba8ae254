"""The answers of checkable tasks are right, by an arithmetic and a memory of the test's own."""

import re
from itertools import islice
from operator import add, mul, sub

from weft.pipelines.writers.checkable import Checkable, checkable


def test_an_item_depends_on_seed_and_place_alone() -> None:
    many = list(checkable(50, 3))
    assert list(checkable(20, 3)) == many[:20] and list(islice(checkable(1000, 3), 50)) == many
    assert list(checkable(50, 4)) != many and len({key for key, _ in many}) == 50


SIGNS = {"plus": add, "minus": sub, "times": mul}


def worked_out(task: Checkable) -> str:
    if sum_ := re.fullmatch(r"What is (\d+) (plus|minus|times) (\d+)\?", task.prompt):
        a, sign, b = sum_.groups()
        return str(SIGNS[sign](int(a), int(b)))
    if story := re.match(r"\w+ has (\d+) (\w+) and (buys|gives) (\d+) (more|away)\. How many \2 ", task.prompt):
        has, _, does, given, _ = story.groups()
        return str(int(has) + int(given) * {"buys": 1, "gives": -1}[does])
    facts = re.findall(r"the (\w+) (\w+) is in the (\w+)", task.prompt)
    (thing,) = re.findall(r"(\w+)\?$", task.prompt)
    (colour, _, place) = next(fact for fact in facts if fact[1] == thing)
    return f"in the {place}" if "Where is" in task.prompt else colour


def test_every_answer_is_right() -> None:
    tasks = [task for _, task in checkable(1000, 1)]
    assert all(worked_out(task) == task.answer for task in tasks)
    assert {task.kind for task in tasks} == {"arithmetic", "recall"}
    assert not any(task.answer.startswith("-") for task in tasks)
