"""Dialogues to synthesize, from a JSONL file: one dialogue per line.

    {"id": "taxi-77", "split": "test", "turns": [{"speaker": "caller", "text": "Where are you?", "emotion": "angry", "level": 2}, …]}

A turn's fields are those of `schemas.text.Turn` (`docs/dialogues.md`), and its text may begin with tags: "(happy1) Hello!".
The id makes the key, so an edited line changes one item; without ids the line's number does.
The named texts of docs/data.md, such as `translation`, are the dialogue's; those of a turn stand under its `fields`.
"""

import os
from collections.abc import Iterator
from typing import Annotated

from weft.pipelines.sources.base import Missing, folder_of
from weft.pipelines.sources.common.dialogues import DialogueSource
from weft.pipelines.sources.common.files import clean
from weft.pipelines.sources.common.lists import numbered_lines, wrong_item
from weft.pipelines.sources.common.written import written_item
from weft.pipelines.sources.common.wrong_run import WrongRun
from weft.schemas.fields import Fields, WrongField, parsed
from weft.schemas.item import Item
from weft.schemas.ledger import Unusable
from weft.schemas.limits import ListLimits
from weft.schemas.settings import NOT_IN_FINGERPRINT


class Source(DialogueSource):
    """`path` is a .jsonl file; `limits` say what of it is rejected. A dialogue that names an image that cannot be read keeps its part
    from being made (`missing: fail`), or is rejected and asked for again by every build (`reject`).
    """

    path: Annotated[str, NOT_IN_FINGERPRINT]
    missing: Annotated[Missing, NOT_IN_FINGERPRINT] = "fail"
    limits: ListLimits = ListLimits()

    def items(self, name: str) -> Iterator[Item]:
        wrong = WrongRun(os.path.basename(self.path), self.limits.faults_in_a_row)
        for number, line in numbered_lines(self.path, self.limits.line):
            if isinstance(line, Unusable):
                yield wrong_item(name, f"line {number}", line)
            else:
                yield _item(name, line.strip(), str(number))
            if wrong.is_over(usable=isinstance(line, str) and '"turns"' in line):
                yield wrong_item(name, f"line {number + 1}", wrong.fault)
                return

    @property
    def opens_files(self) -> bool:
        """Not to ingest a dialogue: its list holds it."""
        return False

    def location(self) -> str:
        return folder_of(self.path)

    def version(self) -> str:
        return "2"

    @property
    def names_splits(self) -> bool:
        return True


def _item(name: str, line: str, number: str) -> Item:
    """The item of a dialogue; faults in it are reported when it is read."""
    line = line.encode("utf-8", "backslashreplace").decode()
    try:
        dialogue_id = clean(Fields.of(parsed(line)).label("id")) or number
    except WrongField:
        dialogue_id = number
    return written_item(name, dialogue_id, line)
