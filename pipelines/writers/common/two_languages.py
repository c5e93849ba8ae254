"""A lexicon in English and German, and how its words agree.

german(PEOPLE[0], "old", case="accusative", definite=True)   ->   "den alten Mann"
english(PEOPLE[0], "old", definite=False)                    ->   "an old man"
"""

from dataclasses import dataclass
from typing import Literal

Case = Literal["nominative", "accusative"]


@dataclass(frozen=True, slots=True)
class Noun:
    """`en` and `de` are one, `ens` and `des` several; `gender` is der, die or das."""

    en: str
    ens: str
    gender: str
    de: str
    des: str
    is_person: bool = False


@dataclass(frozen=True, slots=True)
class Verb:
    """In the present, of the third person: one, and several (`ens`, `des`). `needs_thing`: it is not done to people."""

    en: str
    ens: str
    de: str
    des: str
    needs_thing: bool = False


def _nouns(text: str, is_person: bool) -> tuple[Noun, ...]:
    rows = (row.split() for row in text.split("|"))
    return tuple(
        Noun(en=en, ens=ens, gender=gender, de=de, des=des, is_person=is_person) for en, ens, gender, de, des in rows
    )


PEOPLE = _nouns(
    "man men der Mann Männer|woman women die Frau Frauen|child children das Kind Kinder|teacher teachers der Lehrer Lehrer|"
    "doctor doctors die Ärztin Ärztinnen|girl girls das Mädchen Mädchen|baker bakers der Bäcker Bäcker|aunt aunts die Tante Tanten",
    is_person=True,
)
THINGS = _nouns(
    "house houses das Haus Häuser|garden gardens der Garten Gärten|lamp lamps die Lampe Lampen|book books das Buch Bücher|"
    "table tables der Tisch Tische|bottle bottles die Flasche Flaschen|picture pictures das Bild Bilder|apple apples der Apfel Äpfel|"
    "flower flowers die Blume Blumen|bag bags die Tasche Taschen",
    is_person=False,
)
ADJECTIVES = {
    "old": "alt", "new": "neu", "small": "klein", "big": "groß", "beautiful": "schön", "red": "rot", "blue": "blau",
    "quiet": "ruhig",
}  # fmt: skip
OF_THINGS = ("red", "blue", "new")  # which no person is
OF_PEOPLE = ("quiet",)
VERBS = (
    Verb(en="sees", ens="see", de="sieht", des="sehen"),
    Verb(en="looks for", ens="look for", de="sucht", des="suchen"),
    Verb(en="finds", ens="find", de="findet", des="finden"),
    Verb(en="draws", ens="draw", de="zeichnet", des="zeichnen"),
    Verb(en="buys", ens="buy", de="kauft", des="kaufen", needs_thing=True),
    Verb(en="sells", ens="sell", de="verkauft", des="verkaufen", needs_thing=True),
    Verb(en="cleans", ens="clean", de="putzt", des="putzen", needs_thing=True),
    Verb(en="forgets", ens="forget", de="vergisst", des="vergessen"),
)  # fmt: skip
TIMES = {
    "today": "heute",
    "now": "jetzt",
    "in the evening": "am Abend",
    "in the morning": "am Morgen",
    "on Monday": "am Montag",
}
PLACES = {
    "in the garden": "im Garten", "at the station": "am Bahnhof", "in the city": "in der Stadt", "at school": "in der Schule",
}  # fmt: skip
_ARTICLES = {  # of one: definite and indefinite, by case
    "der": {"nominative": ("der", "ein"), "accusative": ("den", "einen")},
    "die": {"nominative": ("die", "eine"), "accusative": ("die", "eine")},
    "das": {"nominative": ("das", "ein"), "accusative": ("das", "ein")},
}
_STRONG = {"der": "er", "die": "e", "das": "es"}  # endings after "ein", which shows no gender itself


def english(noun: Noun, adjective: str, definite: bool, several: bool = False) -> str:
    """With its article; several are definite."""
    words = f"{adjective} {noun.ens if several else noun.en}"
    if definite or several:
        return f"the {words}"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def german(noun: Noun, adjective: str, case: Case, definite: bool, several: bool = False) -> str:
    """The same in German; `adjective` is the English one."""
    stem = ADJECTIVES[adjective]
    if several:
        return f"die {stem}en {noun.des}"
    article = _ARTICLES[noun.gender][case][0 if definite else 1]
    return f"{article} {stem}{_ending(noun, case, definite)} {noun.de}"


def _ending(noun: Noun, case: Case, definite: bool) -> str:
    if case == "accusative" and noun.gender == "der":
        return "en"
    return "e" if definite else _STRONG[noun.gender]
