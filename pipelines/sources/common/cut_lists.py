"""Lists of Lhotse's cuts, by number, up to too many in a row that cannot be used.

listed_cuts("cuts.jsonl.gz", limits)       (1, Fields(…)), (2, Unusable("bad_cut", …)), …
"""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from weft.pipelines.sources.common.cuts import names_audio
from weft.pipelines.sources.common.lists import numbered_lines, whole_list
from weft.pipelines.sources.common.wrong_run import WrongRun
from weft.schemas.fields import Fields, WrongField, parsed
from weft.schemas.ledger import Unusable
from weft.schemas.limits import SpeechLimits

NumberedCut = tuple[int, Fields | Unusable]


def listed_cuts(path: str, limits: SpeechLimits) -> Iterator[NumberedCut]:
    """The cuts of a manifest, and why one cannot be read. Raises OSError."""
    yield from _bounded(_numbered(path, limits), path, limits, names_audio)


def cuts_of_shard(path: str, limits: SpeechLimits) -> list[NumberedCut]:
    """Their audio is named by the tar, so a cut need not say more than its id. Raises OSError."""
    return list(_bounded(_numbered(path, limits), path, limits, _has_id))


def _has_id(cut: Fields) -> bool:
    return "id" in cut.values


def _numbered(path: str, limits: SpeechLimits) -> Iterator[NumberedCut]:
    """The manifest's entries by number, and why one cannot be read. Raises OSError."""
    if not path.removesuffix(".gz").endswith(".json"):
        lines = numbered_lines(path, limits.line)
        cuts = ((number, line if isinstance(line, Unusable) else _cut(line)) for number, line in lines)
        yield from cuts
        return
    try:
        content = parsed(whole_list(path, limits.table))
    except (Unusable, WrongField) as fault:
        yield 1, fault if isinstance(fault, Unusable) else Unusable("bad_cut", f"{os.path.basename(path)}: {fault}")
        return
    values = content if isinstance(content, list) else [content]
    yield from ((number, _cut(value)) for number, value in enumerate(values, 1))


def _bounded(
    cuts: Iterable[NumberedCut], path: str, limits: SpeechLimits, is_usable: Callable[[Fields], bool]
) -> Iterator[NumberedCut]:
    """The same, up to too many in a row that cannot be used."""
    wrong = WrongRun(os.path.basename(path), limits.faults_in_a_row)
    for number, cut in cuts:
        yield number, cut
        if wrong.is_over(usable=not isinstance(cut, Unusable) and is_usable(cut)):
            yield number + 1, wrong.fault
            return


def _cut(value: Any) -> Fields | Unusable:
    """Of a line, or of what was parsed."""
    try:
        return Fields.of(parsed(value.strip()) if isinstance(value, str) else value, "the cut")
    except WrongField as fault:
        return Unusable("bad_cut", str(fault))
