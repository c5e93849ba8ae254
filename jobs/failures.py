"""Pieces of work that failed: why, where in the code, on which machine; and the list with which a build ends.

2 pieces of work failed (5 more need them and were not begun; all else is done and kept):
  align/speech, part-00003: ValueError: no such voice (pipelines/voices/espeak.py:88)
  ingest/speech, part-00001 and 1 more: OSError: [Errno 28] No space left on device (pipelines/storage/store.py:121)
  ingest/web, part-00002: it cannot read some items now
source web: 2 items cannot be read now; the same command asks for {'them' if len(found) > 1 else 'it'} again:
  https://host/a.flac: the server answers 503
  https://host/b.flac: no such file
  (sources.web.missing=reject leaves out what is not there)
"""

import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from weft.pipelines.corpus.listing import EmptySource
from weft.pipelines.mixing.tree import PlanError
from weft.pipelines.parts.splits import SplitError
from weft.pipelines.storage.store import Damaged
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError
from weft.schemas.ledger import Unread, UnreadItems

ROOT = Path(__file__).parents[1]
SHOWN = 20  # lines of the list; the rest is counted
_ITEMS = 5  # of a source that cannot be read

# for the user to change, or for the build to mend: these end a build at once, as they are
ENDING = (RecipeError, EmptySource, PlanError, SplitError, Damaged)


@dataclass(frozen=True, slots=True)
class Failure:
    """What an exception was, in words, so that it can be sent from one process to another whatever its type."""

    reason: str  # "ValueError: no such voice"
    place: str = ""  # "pipelines/voices/espeak.py:88", the last line of weft's own code
    trace: str = ""
    machine: str = ""  # only of a cluster
    unread: tuple[Unread, ...] = ()  # items that cannot be read now


@dataclass(frozen=True, slots=True)
class FailedPiece:
    """The piece of work `part` of `node`."""

    node: str
    part: str
    failure: Failure


class BuildError(RuntimeError):
    """Work that failed; the message lists it. `trace` holds the traceback of each line of the list."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


def failure_of(error: BaseException, machine: str = "") -> Failure:
    if isinstance(error, UnreadItems):  # no place in the code is at fault
        return Failure(reason="it cannot read some items now", unread=error.items)
    reason = f"{type(error).__name__}: {error}".removesuffix(": ")
    return Failure(
        reason=reason, place=place_of(error), trace="".join(traceback.format_exception(error)), machine=machine
    )


def place_of(error: BaseException) -> str:
    """File and line of weft's own code in which an exception was raised; empty where it passed none."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename]
    return f"{Path(own[-1].filename).relative_to(ROOT).as_posix()}:{own[-1].lineno}" if own else ""


def build_error(failed: Sequence[FailedPiece], dropped: int) -> BuildError:
    """The list of all that failed; `dropped` counts the pieces that need it. Like failures of a node share a line."""
    alike: dict[tuple[str, str, str, str], list[FailedPiece]] = {}
    for piece in failed:
        at = piece.failure
        alike.setdefault((piece.node, at.reason, at.place, at.machine), []).append(piece)
    lines = [_line(pieces) for pieces in alike.values()]
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"  and {counted(len(lines) - SHOWN, 'line')} more"]
    need = "needs them and was" if dropped == 1 else "need them and were"
    rest = f"{dropped:,} more {need} not begun; " if dropped else ""
    count = f"{counted(len(failed), 'piece')} of work"
    lines += unread_lines(item for piece in failed for item in piece.failure.unread)
    message = f"{count} failed ({rest}all else is done and kept):\n" + "\n".join(lines)
    return BuildError(message, "\n".join(filter(None, (pieces[0].failure.trace for pieces in alike.values()))))


def unread_lines(items: Iterable[Unread]) -> Iterator[str]:
    """By source: how many items cannot be read now, and some of them."""
    sources: dict[str, dict[str, Unread]] = {}
    for item in items:
        sources.setdefault(item.source, {}).setdefault(item.path, item)
    for source, found in sources.items():
        again = "them" if len(found) > 1 else "it"
        yield f"source {source}: {counted(len(found), 'item')} cannot be read now; the same command asks for {again} again:"
        some = sorted(found.values(), key=lambda item: item.path)[:_ITEMS]
        yield from (f"  {item.path}: {item.reason}" for item in some)
        if len(found) > _ITEMS:
            yield f"  and {len(found) - _ITEMS:,} more"
        if any(item.absent and item.node.startswith("ingest/") for item in found.values()):
            yield f"  (sources.{source}.missing=reject leaves out what is not there)"


def _line(pieces: Sequence[FailedPiece]) -> str:
    first = pieces[0]
    more = f" and {len(pieces) - 1:,} more" if len(pieces) > 1 else ""
    where = ", ".join(filter(None, [first.failure.place, first.failure.machine and f"on {first.failure.machine}"]))
    part = f", {first.part}" if first.part != first.node else ""
    return f"  {first.node}{part}{more}: {first.failure.reason}" + (f" ({where})" if where else "")
