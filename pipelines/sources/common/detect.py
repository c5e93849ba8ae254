"""Detects the kind of source of a path, for `weft align`.

detect("corpus/data/train")     {"use": "kaldi", "path": …}        it holds wav.scp
detect("cuts.jsonl.gz")         {"use": "lhotse", "path": …}
"""

import gzip
import json
import os
import zlib
from typing import Any

MANIFESTS = (".jsonl", ".jsonl.gz", ".json", ".json.gz")


def detect(path: str) -> dict[str, Any]:
    """The choice of a source for one path; audio and folders of audio are the rest."""
    kind = _folder_kind(path) if os.path.isdir(path) else _file_kind(path)
    return {"use": kind, "path": path}


def _folder_kind(path: str) -> str:
    names = set(os.listdir(path))
    if "wav.scp" in names:
        return "kaldi"
    if any(name.startswith("cuts.") and name.endswith((".jsonl", ".jsonl.gz")) for name in names):
        return "lhotse"
    if names & {"dataset_info.json", "dataset_dict.json", "dataset_infos.json"} or any(
        n.endswith(".parquet") for n in names
    ):
        return "huggingface"
    return "tars" if any(name.endswith(".tar") for name in names) else "folder"


def _file_kind(path: str) -> str:
    if path.endswith(".tar"):
        return "tars"
    if path.endswith(".parquet"):
        return "huggingface"
    if path.endswith(".txt"):
        return "urls"
    if path.endswith(MANIFESTS):
        return "lhotse" if _holds_cuts(path) else "manifest"
    return "folder"


def _holds_cuts(path: str) -> bool:
    """Lhotse's cuts name a recording; a manifest's lines name a file."""
    try:
        opens = gzip.open if path.endswith(".gz") else open
        with opens(path, "rt", encoding="utf-8") as file:
            head = file.readline(1 << 20)
            head += file.read(1 << 16) if head.strip() in ("[", "[{") else ""
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return False
    try:
        first: Any = json.loads(head)
        return isinstance(first, dict) and ("recording" in first or str(first.get("type", "")).endswith("Cut"))
    except ValueError:
        return head.lstrip().startswith("[") and ('"recording"' in head or "Cut" in head)
