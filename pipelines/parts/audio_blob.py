"""Audio that records carry is moved into one file beside their part.

pack_audio([Recording(…, audio=Audio("", data=b"RIFF…"))], "ingest/speech/part-00003.bin")
    ->   [Recording(…, audio=Audio("ingest/speech/part-00003.bin", offset=0, length=81233))], b"RIFF…"
"""

from dataclasses import replace
from typing import Any

from weft.schemas.audio import Audio, Recording
from weft.schemas.text import Dialogue


def pack_audio(records: list[Any], name: str) -> tuple[list[Any], bytes]:
    """Moves audio that records carry into one blob and leaves its place in them."""
    blob = bytearray()

    def place(audio: Audio) -> Audio:
        if not audio.data:
            return audio
        blob.extend(audio.data)
        return replace(audio, uri=name, offset=len(blob) - len(audio.data), length=len(audio.data), data=b"")

    def placed(record: Any) -> Any:
        if isinstance(record, Recording):
            return replace(record, audio=place(record.audio))
        if isinstance(record, Dialogue):
            return replace(record, turns=tuple(replace(t, audio=place(t.audio)) for t in record.turns))
        return record

    return [placed(r) for r in records], bytes(blob)
