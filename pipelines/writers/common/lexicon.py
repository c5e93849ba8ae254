"""The words of the grammar: topics whose words go together, and what any sentence may use.

TOPICS[0].people  ->  ("farmer", "neighbor", …)          SHARED["when"]  ->  ("in the morning", …)
"""

from dataclasses import dataclass


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

SHARED = {
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
