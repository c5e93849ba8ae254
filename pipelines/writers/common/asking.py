"""What prompts of preferences are made of: facts that somebody asks for, and what happens to things.

FACTS["what bees make"]    ->  "bees make honey"
"""

from dataclasses import dataclass

FACTS = {
    "what bees make": "bees make honey",
    "where fish live": "fish live in the water",
    "when the sun rises": "the sun rises in the morning",
    "what a baker bakes": "a baker bakes bread",
    "what falls from the clouds": "rain falls from the clouds",
    "how many days a week has": "a week has seven days",
    "what a clock shows": "a clock shows the time",
    "who flies a plane": "a pilot flies a plane",
    "what a cow gives": "a cow gives milk",
    "how many legs a dog has": "a dog has four legs",
    "where books are kept": "books are kept in a library",
    "what colour snow has": "snow is white",
    "what ice is made of": "ice is made of water",
    "how many months a year has": "a year has twelve months",
    "who helps the sick": "a doctor helps the sick",
    "what a hen lays": "a hen lays eggs",
    "where birds build their nests": "birds build their nests in trees",
    "what a key opens": "a key opens a door",
    "when the moon shines": "the moon shines at night",
    "what grows in a field": "corn grows in a field",
}
ASKING = (
    "sister", "brother", "mother", "father", "aunt", "uncle", "teacher", "neighbor", "friend", "son", "daughter", "cousin", "doctor",
    "driver", "nephew", "niece",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mishap:
    """What somebody says who is sad, happy or angry about a thing at a place; a warm answer to it, and a cold one."""

    emotion: str
    prompt: str
    warm: str
    cold: str


MISHAPS = (
    Mishap(
        emotion="sad",
        prompt="I lost my {thing} {place}.",
        warm="I am sorry to hear that. Shall we look for your {thing}?",
        cold="That is nothing.",
    ),
    Mishap(
        emotion="happy",
        prompt="I found my old {thing} {place}!",
        warm="How lovely! Where was your {thing} all the time?",
        cold="Good for you.",
    ),
    Mishap(
        emotion="angry",
        prompt="Somebody broke my {thing} {place}!",
        warm="I understand that this makes you angry. Can your {thing} be repaired?",
        cold="Then buy another.",
    ),
)
OWNED = (
    "bag", "watch", "camera", "guitar", "book", "ring", "umbrella", "key", "phone", "lamp", "bicycle", "radio", "scarf", "kite", "drum",
    "basket",
)  # fmt: skip
PLACES = (
    "on the train", "at school", "in the garden", "at the station", "in the library", "on the bus", "at the market", "in the park",
    "at the beach", "in the kitchen",
)  # fmt: skip
