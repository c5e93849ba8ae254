"""Audio beside its transcripts, or listed in a JSONL manifest.

    raw/clip.wav  raw/clip.txt (or clip.lab)
    raw/manifest.jsonl:  {"audio": "clip.wav", "text": "and then", "speaker": "s1", "licence": "CC0", "emotion": "happy"}

Paths in a manifest are relative to it. A line may carry `words`: [["and", 0.31, 0.52], …] in seconds, which are then
taken instead of an alignment. Audio without a transcript is kept for tasks that need none.
"""

import json
import os
from collections.abc import Iterator
from typing import Any

from weft.pipelines.sound import scan
from weft.pipelines.sources import base
from weft.pipelines.sources.files import File, clean, local_file, read_text, stamp, walk
from weft.pipelines.stage import Unusable
from weft.pipelines.store import Store
from weft.schemas.audio import Audio, Recording, Word
from weft.schemas.item import Item, key_for

AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif", ".au", ".m4a", ".webm", ".aac", ".sph", ".raw")
TEXT = (".txt", ".lab")
MANIFEST = "manifest.jsonl"


class Source(base.Source):
    """`path` is a folder, an fsspec url of one, or a manifest. `speaker` holds where the data names none."""

    path: str
    speaker: str = ""

    @property
    def makes(self) -> type:
        return Recording

    def items(self, name: str) -> Iterator[Item]:
        inside = os.path.join(self.path, MANIFEST)
        manifest = self.path if self.path.endswith(".jsonl") else inside if os.path.isfile(inside) else ""
        if manifest:
            yield from _manifest_items(name, os.path.abspath(manifest))
        else:
            yield from _folder_items(name, list(walk(self.path)))

    def read(self, item: Item, store: Store) -> Iterator[Recording]:
        said = _said(item)
        if not item.uri:
            raise Unusable("bad_name", "its name is not UTF-8; rename it")
        audio = Audio(item.uri)
        facts = scan(store, audio)
        text = said["text"] if item.payload else read_text(store, item.text_uri) if item.text_uri else ""
        yield Recording(
            item.key, item.source, item.path, audio, facts.seconds, facts.rate, facts.channels, facts.sha256,
            text=text or None, words=said["words"], speaker=said["speaker"] or self.speaker,
            language=said["language"] or self.language, licence=said["licence"] or self.licence,
            emotion=said["emotion"],
        )  # fmt: skip


def _folder_items(name: str, files: list[File]) -> Iterator[Item]:
    texts = {f.path[:-4] + f.path[-4:].lower(): f for f in reversed(files) if f.path.lower().endswith(TEXT)}
    for file in files:
        stem, dot, ending = file.path.rpartition(".")
        if (dot + ending).lower() in AUDIO:
            text = next((texts[stem + end] for end in TEXT if stem + end in texts), None)
            mark = f"{file.stamp} {text.stamp}" if text else file.stamp
            yield Item(key_for(name, file.path), name, file.path, file.uri, mark, text_uri=text.uri if text else "")


def _manifest_items(name: str, manifest: str) -> Iterator[Item]:
    with open(manifest, encoding="utf-8", errors="backslashreplace") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _manifest_item(name, os.path.dirname(manifest), line.strip(), number)


def _manifest_item(name: str, folder: str, line: str, number: int) -> Item:
    try:
        said = json.loads(line)
        path = clean(str(said.get("audio") or said.get("audio_filepath") or ""))
    except (ValueError, AttributeError, RecursionError):
        path = ""
    line = line.encode("utf-8", "backslashreplace").decode()
    if not path:
        return Item(key_for(name, f"line {number}"), name, f"line {number}", "", "", payload=line)
    uri = path if "://" in path else os.path.join(folder, path)
    return Item(key_for(name, path), name, local_file(uri, path).path, uri, stamp(uri), payload=line)


def _said(item: Item) -> dict[str, Any]:
    """What a manifest line says, every field there. Raises Unusable when it says it wrongly."""
    try:
        said = json.loads(item.payload) if item.payload else {}
        if not isinstance(said, dict) or (item.payload and not item.uri):
            raise ValueError("it names no `audio`")
        plain = {field: clean(str(said.get(field) or "")) for field in ("text", "speaker", "language", "emotion")}
        licence = clean(str(said.get("licence") or said.get("license") or ""))
        words = tuple(Word(clean(str(t)), float(s), float(e)) for t, s, e in said.get("words") or ())
        return {**plain, "licence": licence, "words": words}
    except (ValueError, TypeError, RecursionError) as error:
        raise Unusable("bad_manifest_line", str(error)) from None
