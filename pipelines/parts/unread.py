"""Items that could not be read: looked for when a piece of work fails, noted in the corpus until it is made, counted at the end.

unread/encode/hubert/speech/part-00003.parquet     Unread(path="a/clip.wav", reason="No such file or directory", …), …

A piece of work that fails over one item commits nothing; of all its others is asked once whether they can be read, so that a build
says how many are away.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from weft.pipelines.audio.opening import regular
from weft.pipelines.parts.joining import first_of
from weft.pipelines.parts.tables import read_part, write_part
from weft.pipelines.parts.work import Work, is_done
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.fetching import ask_for
from weft.pipelines.storage.retries import opened, without_secrets
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Recording, Utterance
from weft.schemas.ledger import Unavailable, Unread, Unusable

FOLDER = "unread"


def all_unread(store: Store, node: str, records: Iterable[Any], fault: Unavailable) -> tuple[Unread, ...]:
    """The items of these records whose audio cannot be read now. `fault` is the first, at which a stage stopped."""
    faults: dict[str, Unread] = {}
    for record in map(first_of, records):
        if not isinstance(record, Recording | Utterance) or record.audio.data or record.audio.uri in faults:
            continue
        uri = store.located(record.audio.uri)
        is_first = fault.what in (without_secrets(uri), without_secrets(record.audio.uri))
        if away := fault if is_first else _fault(uri):
            faults[record.audio.uri] = Unread(
                key=record.key, node=node, source=record.source, path=without_secrets(record.path or record.audio.uri),
                reason=away.reason, absent=away.absent,
            )  # fmt: skip
    return tuple(faults.values()) or (_nameless(node, fault),)


def _nameless(node: str, fault: Unavailable) -> Unread:
    return Unread(
        key="", node=node, source=node.rpartition("/")[2], path=fault.what, reason=fault.reason, absent=fault.absent
    )


def _fault(uri: str) -> Unavailable | None:
    """Why a file of a source cannot be opened; None where it can, or is refused for what it is."""
    try:
        if uri.startswith("/"):
            regular(uri)
        elif "://" in uri:
            opened(partial(ask_for, uri), uri)
    except Unavailable as fault:
        return fault
    except Unusable:
        return None
    return None


def note_unread(store: Store, makes: str, items: Sequence[Unread]) -> None:
    write_part(store, _name(makes), items, record=Unread, fingerprint="unread-1")


def forget_unread(store: Store, makes: str) -> None:
    store.remove(_name(makes))


def noted_unread(store: Store, works: Iterable[Work]) -> Iterator[Unread]:
    """What could not be read when work that is still to be done was last tried, each item once."""
    noted = set(store.names(FOLDER))
    seen: set[tuple[str, str]] = set()
    for work in (work for work in works if _name(work.makes) in noted and not is_done(work, store)):
        for item in _read(store, _name(work.makes)):
            if (item.source, item.path) not in seen:
                seen.add((item.source, item.path))
                yield item


def _read(store: Store, name: str) -> list[Unread]:
    try:
        return read_part(store, name, Unread)
    except (FileNotFoundError, Damaged):  # the next build writes it anew
        return []


def _name(makes: str) -> str:
    return f"{FOLDER}/{makes.removesuffix('.parquet')}.parquet"
