"""Scripts from a seeded grammar: English sentences, paragraphs and small talk, without end and without a model.

    sentences(2, seed=7)   ->  "In the morning the nurse carried the warm blanket to the clinic.", …
    documents(1, seed=7)   ->  "The farmer counted the young sheep. …"
    dialogues(1, seed=7)   ->  ("dialogue-7-000000", (Turn("Anna", "I lost my keys at the station.", "sad", 3), …))

Item i depends on the seed and i alone, so any range of items can be made anywhere and comes out the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from weft.schemas.fingerprint import hash64
from weft.schemas.text import Turn


@dataclass(frozen=True, slots=True)
class Topic:
    """The words a paragraph keeps to. `acts` are verbs in the past that fit its people and things."""

    people: tuple[str, ...]
    things: tuple[str, ...]
    places: tuple[str, ...]
    acts: tuple[str, ...]
    qualities: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


def _topic(**lists: str) -> Topic:
    return Topic(**{name: _words(text) for name, text in lists.items()})


TOPICS = (
    _topic(
        people="farmer neighbor shepherd daughter grandfather worker",
        things="sheep tractor fence barn apple corn horse basket wagon potato bucket seed",
        places="field village orchard garden stable market valley",
        acts="counted planted moved washed sold gathered followed repaired",
        qualities="young brown heavy ripe muddy gentle wild sweet",
    ),
    _topic(
        people="cook waiter baker guest customer aunt",
        things="soup bread kettle onion cake plate spoon butter lemon cheese pepper bottle",
        places="kitchen bakery tavern restaurant pantry cellar",
        acts="tasted baked stirred served sliced ordered burned shared",
        qualities="warm fresh salty bitter simple golden tiny spicy",
    ),
    _topic(
        people="captain sailor fisherman traveler pilot passenger",
        things="boat rope map ticket suitcase anchor compass lantern net bridge engine flag",
        places="harbor island river station coast beach airport",
        acts="watched loaded pulled painted missed carried found checked",
        qualities="wet broken distant narrow silver rusty empty famous",
    ),
    _topic(
        people="teacher student child librarian professor classmate",
        things="book pencil lesson letter poem chalk notebook puzzle story question answer picture",
        places="classroom library school playground hall museum",
        acts="read copied wrote borrowed explained finished forgot remembered",
        qualities="short clever difficult curious quiet funny ancient blue",
    ),
    _topic(
        people="doctor nurse patient dentist driver mother",
        things="blanket bandage pillow bottle medicine chair window lamp clock report needle coat",
        places="hospital clinic office corridor pharmacy entrance",
        acts="opened carried cleaned noticed ordered lifted folded dropped",
        qualities="soft clean white careful patient sharp calm plain",
    ),
    _topic(
        people="singer painter actor dancer drummer writer",
        things="song guitar piano violin curtain costume drum mask microphone statue mirror portrait",
        places="theater studio gallery stage concert square",
        acts="played practiced sang painted recorded praised hid bought",
        qualities="loud bright strange lovely slow modern purple grand",
    ),
    _topic(
        people="carpenter builder mechanic plumber painter landlord",
        things="hammer ladder roof door pipe shelf brick nail wheel chimney floor key",
        places="workshop garage basement yard cellar attic",
        acts="fixed measured built covered lifted tested turned removed",
        qualities="wooden crooked solid cracked square smooth dusty cheap",
    ),
    _topic(
        people="scientist engineer ranger student gardener tourist",
        things="bird telescope stone flower camera radio fox insect shell feather leaf signal",
        places="forest mountain desert laboratory lake meadow cave",
        acts="studied photographed described collected heard drew followed measured",
        qualities="rare green pale frozen sudden hidden dark delicate",
    ),
)


NAMES = _words(
    "Anna Ben Clara David Emma Frank Grace Henry Ida Jack Kate Leo Maria Noah Olivia Paul Rose Sam Thomas Vera "
    "Walter Alice Peter Laura"
)

_SHARED = {
    "name": NAMES,
    "number": _words("two three four five six seven eight nine ten twelve fifteen twenty thirty ninety"),
    "when": _phrases(
        "in the morning|after lunch|before dawn|late at night|last winter|on Monday|every summer|at noon|"
        "one cold evening|during the storm|a week ago|early in the spring|yesterday|on a rainy afternoon"
    ),
    "how": _words("slowly quickly carefully happily quietly proudly gladly badly politely eagerly calmly nervously"),
    "feeling": _words("happy tired proud angry lonely hungry surprised worried grateful nervous cheerful sorry"),
    "whose": _words("the the the the the his her our their my this that another"),
    "link": _words("and but so because while although until before after"),
    "said": _words("thought said believed hoped knew guessed promised admitted"),
    "weather": _phrases(
        "the rain had stopped|the wind was strong|snow lay on the road|the sun was still low|the sky turned gray|"
        "it was getting dark|nobody else was there|the street was silent|the bells began to ring|supper was ready"
    ),
    "aim": _phrases(
        "to save some money|to please a friend|to learn something new|to avoid trouble|to keep a promise|"
        "to make room|to win the prize|to pass the time|to help the others|to prove the point"
    ),
}

_CLAUSES = (
    "the {person} {act} {whose} {quality} {thing}",
    "the {person} {act} {whose} {thing} near the {place}",
    "the {quality} {thing} stood behind the {place}",
    "{name} {act} {whose} {thing} at the {place}",
    "we {act} {number} {quality} things at the {place}",
    "the {person} and the {person} {act} {whose} {thing}",
    "there was a {quality} {thing} at the {place}",
    "{whose} {person} {act} the {thing} {how}",
    "nobody {act} the {thing} from the {place}",
    "the {person} was {feeling} about {whose} {thing}",
    "they {act} a {thing} and a {quality} {thing}",
)
_SENTENCES = (
    "{clause}",
    "{clause} {when}",
    "{when} {clause}",
    "{clause}, but {weather}",
    "{clause} {link} {clause}",
    "{when}, {clause} {aim}",
    "{name} {said} that {clause}",
    "{clause}, {link} {clause} {when}",
    "the {person} {said} that {clause}, {link} {clause} {aim}",
    "{when} {weather}, and {clause}",
    "because {weather}, {clause} {aim}",
    "{clause} while {weather}, and {name} {said} that {clause}",
    "{name} {said} that {clause}, {link} {clause}",
)
_WORDS = range(6, 29)


class _Slots(dict[str, str]):
    """Fills a template: every slot is drawn anew, and a clause is itself a template."""

    def __init__(self, random: Random, topic: Topic) -> None:
        own = {"person": topic.people, "thing": topic.things, "place": topic.places, "act": topic.acts}
        self._lists = {**_SHARED, **own, "quality": topic.qualities}
        self._random = random

    def __missing__(self, slot: str) -> str:
        if slot == "clause":
            return self._random.choice(_CLAUSES).format_map(self)
        return self._random.choice(self._lists[slot])


def sentences(n: int, seed: int) -> Iterator[str]:
    """`n` sentences of 6 to 28 words, about 14 in the mean."""
    for i in range(n):
        random = Random(hash64("sentence", seed, i))
        yield _sentence(random, random.choice(TOPICS))


def documents(n: int, seed: int) -> Iterator[str]:
    """`n` paragraphs of 3 to 8 sentences that keep to a topic."""
    for i in range(n):
        random = Random(hash64("document", seed, i))
        topic = random.choice(TOPICS)
        yield " ".join(_sentence(random, topic) for _ in range(random.randint(3, 8)))


def _sentence(random: Random, topic: Topic) -> str:
    slots = _Slots(random, topic)
    while True:
        text = random.choice(_SENTENCES).format_map(slots)
        if len(text.split()) in _WORDS and not _repeats(text):
            return _written(text)


def _repeats(text: str) -> bool:
    """Whether a long word comes twice: "the ladder and a dusty ladder" reads like a slip."""
    words = [word for word in re.findall(r"\w+", text) if len(word) > 4]
    return len(set(words)) < len(words)


def _written(text: str) -> str:
    """Articles, the capital and the full stop."""
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
    return f"{text[0].upper()}{text[1:]}."


# --- dialogues -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plot:
    """Small talk as pairs of lines, the first speaker's and the second's: `begin`, up to two of `middle`, `end`.

    A line is "emotion: text", or ": text" for one without; its slots hold one word for the whole dialogue.
    """

    slots: dict[str, tuple[str, ...]]
    begin: tuple[tuple[str, str], ...]
    middle: tuple[tuple[str, str], ...]
    end: tuple[tuple[str, str], ...]


PLOTS = (
    Plot(
        slots={"place": ("station", "library", "market", "beach"), "thing": ("keys", "gloves", "glasses", "tickets")},
        begin=(
            ("sad: I think I lost my {thing} at the {place}.", ": Oh no. When did you last see them?"),
            ("angry: Somebody took my {thing} at the {place}!", ": Are you sure, {first}? Maybe you dropped them."),
        ),
        middle=(
            (": I had them at {number} o'clock, just before lunch.", ": Then they cannot be far away."),
            ("sad: I already looked in every pocket twice.", ": Did you ask anyone at the {place}?"),
            ("fast1: What if somebody finds them and keeps them?", "slow1: Calm down. Most people are honest."),
        ),
        end=(
            ("happy: Wait, here they are, under my coat!", "happy: That is wonderful news, {first}."),
            (": Will you come back to the {place} with me?", ": Of course. We will find your {thing} together."),
        ),
    ),
    Plot(
        slots={"dish": ("soup", "fish", "pasta", "salad"), "day": ("Friday", "Saturday", "Sunday")},
        begin=(
            ("happy: I want to cook dinner for us on {day}.", "happy: What a lovely idea! What will you make?"),
            (": Are you free for dinner on {day}?", ": I think so. Are you cooking, {first}?"),
        ),
        middle=(
            (": I was thinking of {dish} with fresh bread.", "happy: I love {dish}. You know me well."),
            (": There will be {number} of us at the table.", "fast1: So many people? Then we need more chairs!"),
            ("coquettish: Only if you bring me something sweet.", "coquettish: Perhaps I will, if you ask me nicely."),
        ),
        end=(
            (": Please come at seven, and bring nothing.", ": I will be there. Thank you for the invitation."),
            ("happy: Then it is settled. {day} at seven!", "happy: I can hardly wait for your {dish}."),
        ),
    ),
    Plot(
        slots={"reason": ("the snow", "a broken engine", "the heavy traffic"), "ride": ("train", "bus", "taxi")},
        begin=(
            ("angry: The {ride} is late again!", ": They said it is because of {reason}."),
            ("angry: I have been waiting here for {number} minutes.", ": I am sorry. The {ride} is stuck, I heard."),
        ),
        middle=(
            ("angry: They always blame {reason}. I am tired of it.", "slow1: Being upset will not make it faster."),
            ("sad: I am going to miss my meeting.", ": Call them, {first}. They will understand."),
            (": How far would it be to walk?", ": About {number} miles. I would not try it."),
        ),
        end=(
            ("happy: Look, here it comes at last!", "happy: You see? Let us find a good seat."),
            (": I suppose we just have to wait.", ": Let me buy you a cup of tea while we do."),
        ),
    ),
    Plot(
        slots={"pet": ("dog", "cat", "rabbit", "parrot"), "pet_name": ("Max", "Daisy", "Oscar", "Bella")},
        begin=(
            ("happy: Guess what, we have a new {pet}!", "happy: Really? What is the name of the little one?"),
            ("sad: Our {pet} has not eaten for {number} hours.", ": Poor {pet_name}. Did you call the doctor?"),
        ),
        middle=(
            (": {pet_name} sleeps under the kitchen table all day.", "happy: That sounds like a very happy {pet}."),
            ("fast1: And then {pet_name} ran straight out of the door!", "fast2: No! Did you catch the {pet} in time?"),
            ("slow1: It takes a lot of patience, you know.", ": I know. We had a {pet} when I was small."),
        ),
        end=(
            ("happy: You should come and play with {pet_name}.", "happy: I would love to. How about tomorrow?"),
            (": I had better go home and feed {pet_name}.", ": Give the {pet} a hug from me."),
        ),
    ),
    Plot(
        slots={"exam": ("history", "music", "biology", "English"), "month": ("March", "June", "October")},
        begin=(
            ("sad: I am afraid I failed the {exam} test.", ": What makes you think so, {first}?"),
            ("happy: I passed the {exam} test!", "happy: Well done, {first}! I am so proud of you."),
        ),
        middle=(
            (": There were {number} questions and so little time.", ": Everybody said it was hard this year."),
            ("angry: We never had half of it in class!", "slow1: That is not fair. You should tell the teacher."),
            ("sad: I studied every night since {month}.", ": Then it was worth it, whatever they say."),
        ),
        end=(
            (": The next test is in {month}.", "happy: I will help you to prepare for it."),
            (": Thank you for listening.", ": Any time. Now let us talk of something else."),
        ),
    ),
    Plot(
        slots={"trip": ("the mountains", "the coast", "the old city"), "item": ("tent", "camera", "map", "raincoat")},
        begin=(
            ("happy: We are leaving for {trip} tomorrow!", "happy: How exciting! How long will you stay?"),
            (": Have you ever been to {trip}?", ": Once, about {number} years ago. Why?"),
        ),
        middle=(
            (": Could I borrow your {item} for the journey?", ": Yes, but please be careful with it."),
            ("coquettish: You could come along and carry my bags.", "coquettish: Only if you sing to me on the way."),
            ("slow2: I just want to sit there and do nothing at all.", "slow1: That sounds like heaven to me."),
        ),
        end=(
            (": I will send you a picture from {trip}.", ": Please do, and do not forget your {item}."),
            ("sad: I will miss you, {second}.", "sad: I will miss you too. Come back soon."),
        ),
    ),
    Plot(
        slots={"noise": ("drums", "hammer", "radio", "party"), "floor": ("second", "third", "fourth")},
        begin=(
            (
                "angry: Can you hear the {noise} from the {floor} floor?",
                "angry: I can. It has been like this all week!",
            ),
            (": I am sorry to ask, but is that your {noise}?", ": Oh, is it too loud? I did not notice."),
        ),
        middle=(
            ("angry: I lay awake for {number} hours and could not sleep!", "sad: I feel bad for you, {first}."),
            (": Somebody should write them a polite letter.", ": Or we could simply knock on the door."),
            ("fast2: I have to get up at five and work until eight!", "slow1: Then you need your sleep, of course."),
        ),
        end=(
            ("happy: Listen. The {noise} has stopped!", "happy: At last. Good night, {first}."),
            (": Let us go up there and talk to them.", ": All right, but let me do the talking."),
        ),
    ),
    Plot(
        slots={"gift": ("scarf", "book", "guitar", "watch"), "who": ("mother", "brother", "sister", "uncle")},
        begin=(
            (": I need a present for my {who}.", ": What about a {gift}?"),
            ("happy: My {who} has a birthday next week!", "happy: Then we must find a fine present."),
        ),
        middle=(
            (": A {gift} may be too expensive for me.", ": We could pay for it together."),
            ("sad: Last year I forgot the birthday completely.", "slow1: I remember. It was a quiet evening."),
            ("coquettish: You always know what people like.", "coquettish: It is a gift, my dear."),
        ),
        end=(
            ("happy: A {gift} it is, then. Thank you, {second}!", "happy: Your {who} is going to love it."),
            (": I will think about it until tomorrow.", ": Do not wait too long. The shops close early."),
        ),
    ),
)


def dialogues(n: int, seed: int) -> Iterator[tuple[str, tuple[Turn, ...]]]:
    """`n` dialogues as key and 4 to 8 turns of two speakers; some turns carry an emotion or speed and its level."""
    for i in range(n):
        yield f"dialogue-{seed}-{i:06d}", _dialogue(Random(hash64("dialogue", seed, i)))


def _dialogue(random: Random) -> tuple[Turn, ...]:
    plot = random.choice(PLOTS)
    first, second = random.sample(NAMES, 2)
    words = {slot: random.choice(choices) for slot, choices in plot.slots.items()}
    words |= {"first": first, "second": second, "number": random.choice(_SHARED["number"][:9])}
    lines = _lines(random, plot)
    return tuple(
        _turn(random, speaker, line.format_map(words))
        for speaker, line in zip([first, second] * 4, lines, strict=False)
    )


def _lines(random: Random, plot: Plot) -> list[str]:
    """Lines in turn. The last reply may be left out where enough are left."""
    middle = random.sample(plot.middle, random.randint(0, 2))
    pairs = [random.choice(plot.begin), *middle, random.choice(plot.end)]
    lines = [line for pair in pairs for line in pair]
    return lines[:-1] if middle and random.random() < 0.3 else lines


def _turn(random: Random, speaker: str, line: str) -> Turn:
    """An emotion is acted out two times in three, so that the same words are also heard without."""
    emotion, _, text = line.partition(": ")
    if not emotion or random.random() < 1 / 3:
        return Turn(speaker, _written(text)[:-1], random.choice(("", "neutral")))
    return Turn(speaker=speaker, text=_written(text)[:-1], emotion=emotion, level=random.randint(1, 5))
