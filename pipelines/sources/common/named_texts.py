"""Named texts beside a transcript, under the keys that every source of JSON knows (docs/data.md), or any other within `fields`.

named_texts(Fields({"text": "Leave it!", "question": "How does he feel?", "fields": {"hint": "loud"}}))
->  (Field("question", "How does he feel?"), Field("hint", "loud"))
"""

import json
from collections.abc import Sequence

from weft.pipelines.sources.textfiles.cutting import cleaned
from weft.schemas.audio import Field
from weft.schemas.fields import Fields
from weft.schemas.ledger import Unusable

NAMES = ("question", "answer", "caption", "translation", "thought", "tools", "chosen", "rejected")
FIELDS = "fields"
_JSON = "tools"  # may be written as the JSON that its text holds


def named_texts(line: Fields, names: Sequence[str] = NAMES) -> tuple[Field, ...]:
    """Those that say something: `names` of the line itself, then all within its object `fields`.

    Raises WrongField for what is no text or is given twice, and Unusable (equal_answers).
    """
    within = line.object(FIELDS)
    if twice := [name for name in names if line.values.get(name) is not None and name in within.values]:
        raise within.wrong(twice[0], "given once: it stands beside `fields` too")
    texts = {name: cleaned(_text(line, name)) for name in names}
    texts |= {name: cleaned(_text(within, name)) for name in within.values}
    if texts.get("chosen") and texts.get("chosen") == texts.get("rejected"):
        raise Unusable("equal_answers", "its chosen and its rejected answer are equal")
    return tuple(Field(name=name, value=text) for name, text in texts.items() if text)


def _text(line: Fields, name: str) -> str:
    value = line.values.get(name)
    if name == _JSON and isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return line.text(name)
