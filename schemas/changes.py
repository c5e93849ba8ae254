"""What a piece of work was made from, by name, and how that differs from before: why the work is done again.

old = {"use": "hubert", "setting layer": "2", "version": "hubert-3", "input segment/speech": "a1f0…"}
new = {"use": "hubert", "setting layer": "3", "version": "hubert-3", "input segment/speech": "a1f0…"}
reasons(old, new)  ->  ["setting `layer` was 2, is now 3"]

The first word of a name is its kind: use, setting, version, content, input, model, utterance or text.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from weft.schemas.counting import are, counted
from weft.schemas.settings import FILE_MODULES

MadeFrom = Mapping[str, str]

LEARNT_FROM = ("utterance", "text")  # kinds of names of a training set
_FURTHER = re.compile(r"/pass-[1-9]\d*/")
_FILE = re.compile(rf"{FILE_MODULES}(.+)_[0-9a-f]{{16}}")  # the module of a file that a recipe names
_UNKNOWN = "what it was made from is not on record"


def named_settings(settings: Mapping[str, Any], prefix: str = "setting ") -> dict[str, str]:
    """Settings, also nested ones, by name and as JSON: `setting training.steps` -> `350`."""
    named: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            named.update(named_settings(value, f"{prefix}{name}."))
        else:
            named[f"{prefix}{name}"] = json.dumps(value, ensure_ascii=False)
    return named


def without_training_set(made_from: MadeFrom) -> dict[str, str]:
    """The names without those of the training set."""
    return {name: value for name, value in made_from.items() if _kind(name) not in LEARNT_FROM}


def reasons(old: MadeFrom, new: MadeFrom) -> list[str]:
    """A phrase for each difference; of another backend only its name, which implies its settings. Empty where there is none."""
    if not old:
        return [_UNKNOWN]
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if any(_kind(name) == "use" for name in differing):
        differing = [name for name in differing if _kind(name) not in ("setting", "version")]
    alone = [_phrase(name, old.get(name), new.get(name)) for name in differing if _kind(name) not in LEARNT_FROM]
    return [*dict.fromkeys(alone), *training_set_changes(old, new)]


def training_set_changes(old: MadeFrom, new: MadeFrom) -> list[str]:
    """How many utterances or parts of text of a model's training set changed, were added or are gone, as phrases."""
    statements = []
    for kind, one, many in (
        ("utterance", "training utterance", "training utterances"), ("text", "part of text", "parts of text"),
    ):  # fmt: skip
        was, now = ({n: v for n, v in some.items() if _kind(n) == kind} for some in (old, new))
        changed = sum(now.get(name, value) != value for name, value in was.items())
        of = f"of its {counted(len(was), one, many)}"
        if changed:
            statements.append(f"{changed:,} {of} changed")
        if added := len(now.keys() - was.keys()):
            statements.append(
                f"{counted(added, one, many)} {'was' if added == 1 else 'were'} added to its {len(was):,}"
            )
        if gone := len(was.keys() - now.keys()):
            statements.append(f"{gone:,} {of} {are(gone)} gone")
    return statements


def summed(node: str, total: int, why: Iterable[Iterable[str]]) -> str:
    """One line for the parts of a node that are done again, of `total`: `align/speech: 3 of 12 parts again: …`."""
    each = [tuple(phrases) for phrases in why]
    counts = Counter(phrase for phrases in each for phrase in phrases)
    causes = [phrase if count == len(each) else f"{phrase} (in {count:,})" for phrase, count in counts.most_common()]
    pieces = f"{len(each):,} of {total:,} parts again: " if total > 1 else ""
    return f"{node}: {pieces}{', '.join(causes) or 'it is not whole'}"


def all_passes(node: str) -> str:
    """The common name of a node and the same node in further passes; the first pass keeps its own name.

    >>> all_passes("compose/words/pass-7/speech"), all_passes("compose/words/pass-0/speech")
    ('compose/words/pass-1+/speech', 'compose/words/pass-0/speech')
    """
    return _FURTHER.sub("/pass-1+/", node)


def _kind(name: str) -> str:
    return name.partition(" ")[0]


def _phrase(name: str, was: str | None, now: str | None) -> str:
    """The phrase for one difference; None for `was` or `now` where the name was added or is gone."""
    kind, _, what = name.partition(" ")
    if kind == "missing":
        return f"{was} of its items could not be read"
    its = {
        "setting": f"setting `{what}`", "use": f"its {what or 'own'} backend", "version": f"its {what or 'own'} version",
        "content": f"the content of its `{what}`",
    }.get(kind, f"its {kind} {what}")  # fmt: skip
    if kind == "use":
        was, now = _backend(was), _backend(now)
        if was == now:
            return f"the code of {now} changed"
    if was is None:
        return f"{its} is new"
    if now is None:
        return f"{its} is gone" if kind == "setting" else f"{its} is no longer needed"
    return f"{its} was {was}, is now {now}" if kind in ("setting", "use", "version") else f"{its} changed"


def _backend(module: str | None) -> str | None:
    """The name of a backend as a recipe's author knows it: that of a file instead of that of its module."""
    return _FILE.sub(r"\1.py", module) if module else module
