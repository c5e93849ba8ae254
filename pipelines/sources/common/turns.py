"""A turn of a script as its JSON writes it, as a record; the fields of the JSON are those of the record.

turn_of({"role": "user", "text": "(happy2) Hello!", "pause": 0.4})
->  Turn(speaker="human", role="human", text="Hello!", emotion="happy", level=2, pause=0.4)
"""

import json
from collections.abc import Mapping
from typing import Any

from weft.pipelines.sources.common.files import clean
from weft.pipelines.sources.common.named_texts import FIELDS, named_texts
from weft.pipelines.sources.common.tags import read_tags
from weft.schemas.fields import Fields, WrongField, parsed
from weft.schemas.text import Origin, Turn

_ALSO = {"user": "human"}  # how other formats name a role
_TEXTS = ("role", "speaker", "text", "emotion", "style", "speed", "language", "answer")
_JSON = ("tool_call", "tool_result")
_SECONDS = ("pause", "overlap")
_FIELDS = (*_TEXTS, "level", *_SECONDS, *_JSON, "origin", FIELDS)
_ORIGIN = ("writer", "version", "seed", "model")
_USERS_OWN = Origin()


def turns_of(turns: Any, origin: Origin) -> list[Turn]:
    """`origin` is that of the dialogue, used for a turn without its own. Raises ValueError with the number of the turn, from 1."""
    if not isinstance(turns, list):
        raise ValueError("it has no list of turns")
    return [_numbered(number, fields, origin) for number, fields in enumerate(turns, 1)]


def _numbered(number: int, fields: Any, origin: Origin) -> Turn:
    try:
        return turn_of(fields, origin)
    except ValueError as error:
        raise ValueError(f"turn {number}: {error}") from None


def turn_of(fields: Mapping[str, Any], origin: Origin = _USERS_OWN) -> Turn:
    """Raises ValueError for a field of the wrong kind."""
    only(fields, _FIELDS, "a turn")
    given = {name: clean(_text(name, fields[name])) for name in _TEXTS if fields.get(name) is not None}
    text, tagged = read_tags(given.get("text", ""))
    level = {"level": _whole("level", fields["level"])} if "level" in fields else {}
    role = given.get("role", "")
    rest = _merged({**given, **level, "text": text}, tagged)
    rest["role"] = _ALSO.get(role, role)
    rest["speaker"] = given.get("speaker") or rest["role"]
    rest |= {name: _number(name, fields[name]) for name in _SECONDS if name in fields}
    rest |= {name: _json_text(fields[name]) for name in _JSON if fields.get(name)}
    rest["fields"] = named_texts(Fields.of(fields, "the turn"), ())
    return Turn(**rest, origin=origin_of(fields["origin"]) if fields.get("origin") else origin)


def origin_of(fields: Mapping[str, Any]) -> Origin:
    """Raises ValueError."""
    only(fields, _ORIGIN, "an origin")
    texts = {name: clean(_text(name, fields[name])) for name in ("writer", "version", "model") if name in fields}
    return Origin(**texts, seed=_whole("seed", fields.get("seed", 0)))


def tools_of(value: Any) -> str:
    """The JSON text of a list of tool schemas; "" where there is none. Raises ValueError."""
    text = _json_text(value) if value else ""
    if text and not (isinstance(tools := json.loads(text), list) and all(isinstance(tool, dict) for tool in tools)):
        raise ValueError("tools is not a list of JSON objects")
    return text


def _merged(fields: dict[str, Any], tagged: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with those of the tags. Raises ValueError where both set one, differently."""
    for name, value in tagged.items():
        if fields.get(name) not in (None, "", value):
            raise ValueError(f"its {name} is {fields[name]!r} and its tag sets {value!r}")
    return {**fields, **tagged}


def only(fields: Any, known: tuple[str, ...], what: str) -> None:
    """Raises ValueError for what is no JSON object, or one with a field that is not known."""
    if not isinstance(fields, dict):
        raise ValueError(f"{what} is a JSON object, not {str(fields)[:40]!r}")
    if unknown := sorted(set(fields) - set(known)):
        raise ValueError(f"unknown field {unknown[0]!r}; {what} has {', '.join(known)}")


def _text(name: str, value: Any) -> str:
    if isinstance(value, dict | list | bool) or (name == "text" and not isinstance(value, str)):
        raise ValueError(f"{name} is not text: {str(value)[:40]!r}")
    return str(value)


def _whole(name: str, value: Any) -> int:
    number = Fields(values={name: value}).number(name)
    if number != int(number):
        raise ValueError(f"{name} {value} is not a whole number")
    if abs(int(number)) >= 2**63:
        raise ValueError(f"{name} {value} is not a number of 64 bits")
    return int(number)


def _number(name: str, value: Any) -> float:
    try:
        return Fields(values={name: value}).number(name)
    except WrongField:
        raise ValueError(f"{name} {str(value)[:40]!r} is not a number of seconds") from None


def _json_text(value: Any) -> str:
    """JSON, or text that holds it, as text of one form. Raises ValueError."""
    value = parsed(value) if isinstance(value, str) else value
    return json.dumps(value, ensure_ascii=False, sort_keys=False, allow_nan=False)
