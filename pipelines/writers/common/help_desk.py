"""Dialogues at a help desk: a traveler with a problem, whose emotion grows with every offer that does not help.

help_desk(Random(7))  ->  human angry 1, assistant, human angry 2, assistant, human angry 3, assistant sad 1, …, human happy 5, …

Each failed offer raises the human's level by one. From level 3 on the assistant speaks slowly and feels with the human,
two levels below; a human who is that angry interrupts. When something helps, the relief is as strong as the problem was long.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from weft.pipelines.writers.common.lexicon import NAMES
from weft.schemas.text import Turn

PATIENCE = range(5)  # offers that do not help
INTERRUPTION = 0.3  # seconds; shorter than any line


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem that a traveler may have. `offers` do not help, `help` does; `feeling` is what the problem causes."""

    feeling: str
    opening: str
    offers: tuple[str, ...]
    help: str


PROBLEMS = (
    Problem(
        feeling="angry",
        opening="My train to {city} is late again, and nobody tells us why.",
        offers=(
            "There is another train to {city} tomorrow morning.",
            "You could take the bus, but it needs {hours} hours.",
            "I can give you a cup of coffee while you wait.",
            "Please ask my friend at the other window.",
        ),
        help="I can put you on the fast train to {city}, and it leaves in ten minutes.",
    ),
    Problem(
        feeling="sad",
        opening="I left my {thing} on the train from {city}, and I need it today.",
        offers=(
            "The lost things office is closed until Monday.",
            "You could write a letter to the station in {city}.",
            "I called the driver, but nobody answered.",
            "Somebody brought a {thing} this morning, but it has another name on it.",
        ),
        help="The driver has just called. Your {thing} is here, at the front desk.",
    ),
    Problem(
        feeling="angry",
        opening="I paid for a seat by the window to {city}, and somebody else sits there.",
        offers=(
            "There are no other seats on this train.",
            "You could stand for the first {hours} hours.",
            "I can give you your money back next month.",
            "Perhaps the other traveler will be so kind as to move.",
        ),
        help="I have a better seat for you, in the first class, at no cost.",
    ),
    Problem(
        feeling="sad",
        opening="I missed the last boat to {city}, and my family waits for me there.",
        offers=(
            "The next boat leaves in {hours} days.",
            "There is a small hotel near the harbor, but it is full.",
            "You could call them and say that you are late.",
            "The captain says that he will not turn back.",
        ),
        help="A fisherman is going to {city} tonight, and he will take you along.",
    ),
)
_ANSWERS = {  # by level: how the human takes an offer that does not help
    "angry": (
        "",
        "That does not help me very much.",
        "No. I have waited long enough, and I want an answer.",
        "This is not what I asked for! Do you even listen to me?",
        "I cannot believe this! Nobody here does any work at all!",
    ),
    "sad": (
        "",
        "Oh. I was hoping for something better.",
        "Then I really do not know what to do now.",
        "Please, there must be something. I feel so lost.",
        "Then everything is over. I should never have left home.",
    ),
}
_RELIEF = (
    "Good. Thank you for your help.",
    "Oh, that is good news. Thank you.",
    "Really? That is very kind of you!",
    "That is wonderful! You saved my day!",
    "I am so happy that I could dance! Thank you, thank you!",
)
_CITIES = ("Boston", "London", "Paris", "Berlin", "Madrid", "Denver")


def help_desk(random: Random) -> tuple[Turn, ...]:
    """4 to 12 turns: a problem, none to four offers that do not help, one that does, and the relief."""
    problem = random.choice(PROBLEMS)
    human, assistant = random.sample(NAMES, 2)
    words = {"city": random.choice(_CITIES), "hours": random.choice(("two", "three", "five"))}
    words |= {"thing": random.choice(("suitcase", "guitar", "camera", "coat"))}
    offers = random.sample(problem.offers, random.choice(PATIENCE))
    speakers = {"human": human, "assistant": assistant}
    turns = (replace(turn, speaker=speakers[turn.role]) for turn in _turns(problem, offers))
    return tuple(replace(turn, text=turn.text.format_map(words)) for turn in turns)


def _turns(problem: Problem, offers: list[str]) -> Iterator[Turn]:
    level = 1
    yield _human(problem.opening, problem.feeling, level)
    for offer in offers:
        yield _assistant(offer, level)
        level += 1
        yield _human(_ANSWERS[problem.feeling][level - 1], problem.feeling, level)
    yield Turn(speaker="", role="assistant", text=problem.help, emotion="happy", level=max(level - 1, 1))
    yield _human(_RELIEF[level - 1], "happy", level)
    yield Turn(
        speaker="", role="assistant", text="I am glad that I could help.", emotion="happy", level=max(level - 1, 1)
    )


def _human(text: str, feeling: str, level: int) -> Turn:
    """Sadness hesitates, and strong anger interrupts."""
    interrupts = feeling == "angry" and level > 3
    pause = round(0.2 * (level - 1), 1) if feeling == "sad" else 0.0
    return Turn(
        speaker="", role="human", text=text, emotion=feeling, level=level, pause=pause,
        overlap=INTERRUPTION if interrupts else 0.0,
    )  # fmt: skip


def _assistant(offer: str, level: int) -> Turn:
    if level < 3:
        return Turn(speaker="", role="assistant", text=offer)
    return Turn(
        speaker="", role="assistant", text=f"I am sorry. {offer}", emotion="sad", level=level - 2, speed="slow1"
    )
