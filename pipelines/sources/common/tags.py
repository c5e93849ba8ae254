"""Tags before a turn's text that say how it is spoken, as Step-Audio's scripts write them (Step-Audio-AQAA, §4).

read_tags("（高兴3）(fast1) Guess what!")  ->  ("Guess what!", {"emotion": "happy", "level": 3, "speed": "fast1"})

Other words in brackets are text: "(at last) she came".
"""

import re

from weft.schemas.text import LEVELS

_NAMES = {
    "emotion": {
        "happy": "happy", "angry": "angry", "sad": "sad", "coquettish": "coquettish",
        "高兴": "happy", "生气": "angry", "悲伤": "sad", "撒娇": "coquettish",
    },
    "speed": {"slow": "slow", "fast": "fast", "慢速": "slow", "快速": "fast"},
    "style": {"rap": "rap", "humming": "humming", "dialect": "dialect", "哼唱": "humming", "方言": "dialect"},
}  # fmt: skip
_NUMBERS = {"emotion": [str(level) for level in LEVELS], "speed": ["1", "2"], "style": [""]}
_FIELD = {name: field for field, names in _NAMES.items() for name in names}
_TAG = re.compile(r"[(（]\s*([^\W\d_]+)\s*(\d*)\s*[)）]")


def read_tags(text: str) -> tuple[str, dict[str, str | int]]:
    """The text without the tags before it, and the fields that they set. Raises ValueError for a tag that is wrong, doubled or
    within the text, where it would be read out.
    """
    fields: dict[str, str | int] = {}
    at = 0
    for tag in _TAG.finditer(text):
        leads = not text[at : tag.start()].strip()
        if not _is_tag(tag, leads):
            continue
        if not leads:
            raise ValueError(f"the tag {tag[0]} stands within the text: begin a new turn with it")
        new = _fields_of(tag)
        if doubled := fields.keys() & new.keys():
            raise ValueError(f"the tag {tag[0]} sets the {min(doubled)} again")
        fields |= new
        at = tag.end()
    return text[at:].strip(), fields


def _is_tag(tag: re.Match[str], leads: bool) -> bool:
    """A known name with a number, or before the text; or any word with one digit, such as (joyful3). "(room 12)" is text."""
    if tag[1].lower() in _FIELD:
        return leads or bool(tag[2])
    return len(tag[2]) == 1 and " " not in tag[0]


def _fields_of(tag: re.Match[str]) -> dict[str, str | int]:
    name = tag[1].lower()
    field = _FIELD.get(name)
    if field is None:
        raise ValueError(f"unknown tag {tag[0]}; known: {', '.join(_FIELD)}")
    value, numbers = _NAMES[field][name], _NUMBERS[field]
    if tag[2] not in numbers:
        raise ValueError(
            f"the tag {tag[0]} needs {f'a number, {numbers[0]} to {numbers[-1]}' if numbers[0] else 'no number'}"
        )
    if field == "emotion":
        return {field: value, "level": int(tag[2])}
    return {field: f"{value}{tag[2]}"}
