"""Failures of work: the reason, the place in the code, the machine; and the list that ends a build.

2 parts failed (5 more need them and were not begun; all else is done and kept):
  align/speech, part-00003: ValueError: no such voice (pipelines/voices/espeak.py:88)
  ingest/speech, part-00001 and 1 more: OSError: [Errno 28] No space left on device (pipelines/storage/store.py:121)
  ingest/web, part-00002: some items cannot be read now
source web: 2 items cannot be read now; the same command reads them again:
  https://host/a.flac: the server answers 503
  https://host/b.flac: no such file
  (if they are gone for good: sources.web.missing=reject goes on without them, and asks again each time)
"""

import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from weft.pipelines.corpus.listing import EmptySource
from weft.pipelines.mixing.tree import PlanError
from weft.pipelines.parts.splits import SplitError
from weft.pipelines.storage.damage import Damaged
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError, TooLittleData
from weft.schemas.ledger import Unread, UnreadItems

ROOT = Path(__file__).parents[1]
SHOWN = 20  # lines of the list; further lines are counted
_ITEMS = 5  # unreadable items that are listed for each source

# these end a build at once: the user changes the recipe or the data, or the build repairs a file
ENDING = (RecipeError, TooLittleData, EmptySource, PlanError, SplitError, Damaged)


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception as text, so that it can be sent between processes whatever its type."""

    reason: str  # "ValueError: no such voice"
    place: str = ""  # "pipelines/voices/espeak.py:88", the last line of weft's own code
    trace: str = ""
    machine: str = ""  # only of a cluster
    unread: tuple[Unread, ...] = ()  # items that cannot be read now


@dataclass(frozen=True, slots=True)
class FailedWork:
    """Work that failed: `part`, such as a part or a model, of `node`."""

    node: str
    part: str
    failure: Failure


class BuildError(RuntimeError):
    """Work that failed; the message lists it. `trace` holds the traceback of each line of the list."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


def failure_of(error: BaseException, machine: str = "") -> Failure:
    if isinstance(error, UnreadItems):  # the code has no fault
        return Failure(reason="some items cannot be read now", unread=error.items)
    reason = f"{type(error).__name__}: {error}".removesuffix(": ")
    return Failure(
        reason=reason, place=place_of(error), trace="".join(traceback.format_exception(error)), machine=machine
    )


def place_of(error: BaseException) -> str:
    """The innermost file and line of weft's code in the traceback; empty where there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT) and ".venv" not in frame.filename]
    return f"{Path(own[-1].filename).relative_to(ROOT).as_posix()}:{own[-1].lineno}" if own else ""


def build_error(failed: Sequence[FailedWork], dropped: int) -> BuildError:
    """The error that lists all failures, equal ones of a node in one line. `dropped` counts the work that needs failed work."""
    alike: dict[tuple[str, str, str, str], list[FailedWork]] = {}
    for piece in failed:
        failure = piece.failure
        alike.setdefault((piece.node, failure.reason, failure.place, failure.machine), []).append(piece)
    lines = [_line(pieces) for pieces in alike.values()]
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"  and {counted(len(lines) - SHOWN, 'line')} more"]
    need = "needs them and was" if dropped == 1 else "need them and were"
    rest = f"{dropped:,} more {need} not begun; " if dropped else ""
    count = counted(len(failed), "part")
    lines += unread_lines(item for piece in failed for item in piece.failure.unread)
    message = f"{count} failed ({rest}all else is done and kept):\n" + "\n".join(lines)
    return BuildError(message, "\n".join(filter(None, (pieces[0].failure.trace for pieces in alike.values()))))


def unread_lines(items: Iterable[Unread]) -> Iterator[str]:
    """Lines for each source: how many items cannot be read now, and some of them."""
    by_source: dict[str, dict[str, Unread]] = {}
    for item in items:
        by_source.setdefault(item.source, {}).setdefault(item.path, item)
    for source, unread in by_source.items():
        pronoun = "them" if len(unread) > 1 else "it"
        yield f"source {source}: {counted(len(unread), 'item')} cannot be read now; the same command reads {pronoun} again:"
        first = sorted(unread.values(), key=lambda item: item.path)[:_ITEMS]
        yield from (f"  {item.path}: {item.reason}" for item in first)
        if len(unread) > _ITEMS:
            yield f"  and {len(unread) - _ITEMS:,} more"
        if any(item.rejectable for item in unread.values()):
            are, them = ("they are", "them") if len(unread) > 1 else ("it is", "it")
            yield f"  (if {are} gone for good: sources.{source}.missing=reject goes on without {them}, and asks again each time)"


def _line(pieces: Sequence[FailedWork]) -> str:
    first = pieces[0]
    more = f" and {len(pieces) - 1:,} more" if len(pieces) > 1 else ""
    where = ", ".join(filter(None, [first.failure.place, first.failure.machine and f"on {first.failure.machine}"]))
    part = f", {first.part}" if first.part != first.node else ""
    return f"  {first.node}{part}{more}: {first.failure.reason}" + (f" ({where})" if where else "")
