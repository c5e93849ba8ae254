"""Calls fit their tool's schema and what is asked, and answers follow from results."""

from datetime import date
from itertools import islice

from weft.pipelines.writers.tools import SCHEMAS, tool_talks

PARAMETERS = {schema["function"]["name"]: schema["function"]["parameters"] for schema in SCHEMAS}


def test_an_item_depends_on_seed_and_place_alone() -> None:
    many = list(tool_talks(50, 3))
    assert list(tool_talks(20, 3)) == many[:20] and list(islice(tool_talks(1000, 3), 50)) == many
    assert list(tool_talks(50, 4)) != many and len({key for key, _ in many}) == 50


def test_calls_fit_the_schemas_and_answers_the_results() -> None:
    talks = [talk for _, talk in tool_talks(500, 1)]
    calls = [(talk, talk.call) for talk in talks if talk.call]
    assert {call.name for _, call in calls} == set(PARAMETERS) == {"audio_search", "web_search", "weather", "date_time"}
    assert 0.7 < len(calls) / len(talks) < 0.9
    for talk, call in calls:
        assert set(call.arguments) == set(PARAMETERS[call.name]["required"])
        assert all(argument in talk.asked for argument in call.arguments.values())
        for value in (call.content["weekday"],) if call.name == "date_time" else call.content.values():
            expected = value[0] if isinstance(value, list) else str(value)
            assert expected in talk.answer or expected == talk.speed[:4]


def test_days_of_the_week_are_those_of_the_calendar() -> None:
    calls = [talk.call for _, talk in tool_talks(500, 2) if talk.call and talk.call.name == "date_time"]
    assert calls and all(f"{date.fromisoformat(c.content['date']):%A}" == c.content["weekday"] for c in calls)


def test_a_thousand_ask_a_hundred_things() -> None:
    assert len({talk.asked for _, talk in tool_talks(1000, 1)}) > 100
