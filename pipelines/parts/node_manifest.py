"""One file a node that says what the footers of its parts say, so that a build that has nothing to do reads no footers.

manifests/align/speech.json    {"parts": {"part-00000.parquet": {"bytes": 81233, "fingerprint": "9f…", "digest": "71…",
                                "notes": {"companions": "…"}}, …}, "checksum": "03…"}

    store.manifests = Manifests(store)
    manifest_footer(store, "align/speech/part-00000.parquet")

A manifest is believed of a part that is as long as it says and has not changed since: its last change, and that of the folders that
it lies in, is older than the manifest by more than `SETTLED` seconds. So a folder that was put back in place of another is read
again. Of any other part the footer is read, as it is where there is no manifest or a broken one. Nothing that was handed out to a
worker is looked up in a manifest again. What a manifest says is all in the footers, so it is the same for the same corpus. It is not
asked by the audit, nor by `weft build --verify`: a file that changed and kept its length and its time of change (a disk that loses
bits) is found by those, and by whatever reads the part.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from weft.pipelines.parts.tables import footer_of
from weft.pipelines.storage.file_facts import FileFacts, facts_in, facts_of, folders_changed, written_at
from weft.pipelines.storage.footer import Footer
from weft.pipelines.storage.own_names import STAGES, is_made_by_weft
from weft.pipelines.storage.store import Store
from weft.schemas.fingerprint import digest

FOLDER = "manifests"
SETTLED = 2.0  # seconds: the coarsest clock of a file system
_PART = re.compile(rf"(?:list|{'|'.join(STAGES)})/(?:[^/]+/)*part-\d+\.parquet")
_LONG = ("made_from", "inputs")  # notes that only footers have: they say why a part is made again, not whether


@dataclass(frozen=True, slots=True)
class _Entry:
    """A part as it was when its footer was read."""

    facts: FileFacts | None
    footer: Footer


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The file of one node, and when it was written."""

    parts: Mapping[str, Any]
    written: float

    def footer(self, name: str, facts: FileFacts | None) -> Footer | None:
        """Of a part that has these facts; None where the manifest cannot be believed."""
        part = self.parts.get(name.rpartition("/")[2])
        if part is None or facts is None or facts.changed is None or facts.size != part["bytes"]:
            return None
        if facts.changed > self.written - SETTLED:
            return None
        return Footer(part["fingerprint"], part["digest"], part["notes"])


_NONE = _Manifest(parts={}, written=0.0)


class Manifests:
    """What the parts of a corpus say of themselves, for one build or one look at it. With `trusted` unset only footers count."""

    def __init__(self, store: Store, trusted: bool = True) -> None:
        self._store, self._trusted = store, trusted
        self._listings: dict[str, dict[str, FileFacts]] = {}
        self._manifests: dict[str, _Manifest] = {}
        self._read: dict[str, _Entry] = {}  # by name; of parts whose footers were read
        self._changed: set[str] = set()

    def footer_of(self, name: str) -> Footer | None:
        """As `tables.footer_of`, but without the notes that only footers hold. Only stages' and listings' parts are in manifests."""
        if not _PART.fullmatch(name):
            return footer_of(self._store, name)
        if name in self._changed:
            return self._from_footer(name, facts_of(self._store, name))
        facts = self._listed(name)
        if self._trusted and (footer := self._of_node(_node(name)).footer(name, facts)):
            return footer
        known = self._read.get(name)
        return known.footer if known else self._from_footer(name, facts)

    def size_of(self, name: str) -> int:
        """In bytes; -1 for a file that is not there."""
        facts = facts_of(self._store, name) if name in self._changed else self._listed(name)
        return facts.size if facts else -1

    def forget(self, part: str) -> None:
        """Of a part that is made anew: from now on it is asked itself, as is all that is committed with it."""
        audio = part.removesuffix(".parquet") + ".bin"
        self._changed |= {part, audio, f"rejects/{part}", f"ledger/{part}"}

    def write(self, parts: Iterable[str]) -> None:
        """Brings the manifests of all nodes up to date, which have these parts; that of any other node goes."""
        nodes: dict[str, list[str]] = {}
        for name in parts:
            nodes.setdefault(_node(name), []).append(name)
        for node, names in nodes.items():
            self._write_node(node, names)
        for name in set(self._store.names(FOLDER, ".json")) - {_file(node) for node in nodes}:
            if is_made_by_weft(name):
                self._store.remove(name)

    def _write_node(self, node: str, names: list[str]) -> None:
        entries = {name: entry for name in names if (entry := self._entry(name))}
        old = self._of_node(node)
        known = [
            self._trusted and name not in self._changed and old.footer(name, e.facts) for name, e in entries.items()
        ]
        if all(known) and len(entries) == len(old.parts):
            return
        now = facts_in(self._store, node)
        if any(facts.changed is None for facts in now.values()):  # it could never be believed
            return
        same = {name: entry for name, entry in entries.items() if entry.facts and entry.facts == now.get(name)}
        listed = {name.rpartition("/")[2]: _record(entry) for name, entry in same.items()}
        self._store.write(_file(node), json.dumps({"parts": listed, "checksum": digest(listed)}, indent=0).encode())

    def _entry(self, name: str) -> _Entry | None:
        footer = self.footer_of(name)
        return self._read.get(name) or (_Entry(facts=self._listed(name), footer=footer) if footer else None)

    def _from_footer(self, name: str, facts: FileFacts | None) -> Footer | None:
        footer = footer_of(self._store, name) if facts else None
        if footer is None:
            self._read.pop(name, None)
            return None
        notes = {note: value for note, value in footer.notes.items() if note not in _LONG}
        footer = Footer(footer.fingerprint, footer.digest, notes)
        self._read[name] = _Entry(facts=facts, footer=footer)
        return footer

    def _listed(self, name: str) -> FileFacts | None:
        folder = _node(name)
        if folder not in self._listings:
            self._listings[folder] = facts_in(self._store, folder)
        return self._listings[folder].get(name)

    def _of_node(self, node: str) -> _Manifest:
        if node not in self._manifests:
            self._manifests[node] = _manifest(self._store, node)
        return self._manifests[node]


def manifest_footer(store: Store, name: str) -> Footer | None:
    """The footer of a part, read from its node's manifest where the store has a valid one, else from the part.

    One from a manifest may lack the notes `made_from` and `inputs`.
    """
    return store.manifests.footer_of(name) if store.manifests else footer_of(store, name)


def _node(name: str) -> str:
    return name.rpartition("/")[0]


def _file(node: str) -> str:
    return f"{FOLDER}/{node}.json"


def _record(entry: _Entry) -> dict[str, Any]:
    assert entry.facts
    footer = entry.footer
    return {
        "bytes": entry.facts.size,
        "fingerprint": footer.fingerprint,
        "digest": footer.digest,
        "notes": dict(footer.notes),
    }


def _manifest(store: Store, node: str) -> _Manifest:
    """The manifest of a node; one without parts where it is not there, not as it was written, or of no known time."""
    written = written_at(store, _file(node))  # first: a build that writes it meanwhile makes it younger
    if written is None or folders_changed(store, node) > written - SETTLED:
        return _NONE
    try:
        record = json.loads(store.read(_file(node)))
        return (
            _Manifest(parts=record["parts"], written=written)
            if record["checksum"] == digest(record["parts"])
            else _NONE
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return _NONE
