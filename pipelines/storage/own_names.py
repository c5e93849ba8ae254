"""The names that weft gives to the files of a corpus that a build may remove: no other file is ever removed.

is_made_by_weft("align/speech/part-00003.parquet"), is_made_by_weft("align/speech/notes.txt")   ->   True, False
"""

import re

STAGES = (
    "ingest",
    "synthesize",
    "segment",
    "transcribe",
    "assess",
    "align",
    "encode",
    "merge",
    "compose",
)  # in the order of the work
_STAGE = "|".join(STAGES)
_PART = r"part-\d{5,}\.parquet"
_MADE = re.compile(
    rf"(?:(?:rejects|ledger)/)?(?:{_STAGE})(?:/[^/]+)+/{_PART}"
    rf"|(?:{_STAGE})(?:/[^/]+)+/part-\d{{5,}}\.bin"
    rf"|unfinished/(?:rejects/)?ingest/[^/]+/{_PART}"
    rf"|unread/(?:{_STAGE})(?:/[^/]+)+/{_PART}"
    r"|unread/(?:models/[^/]+|aligner)/model\.json\.parquet"
    rf"|list/[^/]+/{_PART}"
    r"|order/[^/]+/(?:pass-\d+|validation)/[^/]+\.parquet"
    rf"|manifests/(?:list|{_STAGE})(?:/[^/]+)+\.json"
    r"|shards/[^/]+/(?:flac/|png/|flac-png/)?(?:train|validation|val)-[^/]*\d\.tar"
    r"|shards/[^/]+/(?:flac/|png/|flac-png/)?\.index/(?:train|validation|val)-[^/]*\d\.parquet"
)


def is_made_by_weft(name: str) -> bool:
    """Whether a file has a name that weft gives to parts, what is committed with them, orders and tars."""
    return bool(_MADE.fullmatch(name))
