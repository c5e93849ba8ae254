"""A training sample: token ids of the unified vocabulary, and the modality and role of each span.

    Sample("clip-3fa0-0002-words-0", task="words", ids=(0, 2001, 17, …), segments=(SampleSegment("text", …), …), …)

`ShardSample` is the same sample ready for a shard: its index row, and its bytes in a tar.
"""

import hashlib
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Annotated, Any, get_args

import numpy as np
import pyarrow as pa

from weft.schemas.audio import Id
from weft.schemas.fingerprint import hash64
from weft.schemas.tar import BLOCK, MEMBERS, member, space
from weft.schemas.vocabulary import Modality

PLACEHOLDERS = "placeholders"  # the role of a span of them
MODALITIES: tuple[Modality, ...] = get_args(Modality)


@dataclass(frozen=True, slots=True)
class SampleSegment:
    """Tokens `begin` to `end` of a sample. `start` and `stop` are seconds of its utterance (0, 0 for pure text); of placeholders for
    latent audio (modality `audio`) they are seconds of the sample's FLAC.
    """

    modality: str
    role: str
    begin: int
    end: int
    start: float
    stop: float
    loss: bool


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a sample's speech and text came from, and which models touched it, each with its version.

    `path` is the recording's name in its source. Segmenter and transcriber are "given" for labels of the source.
    """

    recording: str = ""
    path: str = ""
    split: str = ""
    sha256: str = ""
    start: float = 0.0
    end: float = 0.0
    segmenter: str = ""
    transcriber: str = ""
    aligner: str = ""
    tokenizers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """The tokens of one draw from the mixture. Segments cover `ids` in order, without gap or overlap.

    `bounds` are the tokens at which documents begin after the first: attention begins anew there. `flac` is the latent audio of all its
    placeholders in one file, `png` its image; b"" where there is none. `answer` is what a reply to a prompt is checked with. `level` is
    that of its emotion, 1 to 5; 0 where it has none, or several.
    """

    key: str
    parent: str
    task: str
    source: str
    seconds: float
    ids: tuple[Id, ...]
    segments: tuple[SampleSegment, ...]
    text: str = ""
    language: str = ""
    speaker: str = ""
    emotion: str = ""
    level: int = 0
    licence: str = ""
    split: str = "train"
    provenance: Provenance = Provenance()
    bounds: tuple[int, ...] = ()
    answer: str = ""
    flac: bytes = b""
    png: bytes = b""

    def for_shard(self, place: int = 0) -> "ShardSample":
        """The sample as its index row and the members a shard holds: `KEY.json`, `KEY.npy` and where it has any, `KEY.flac` and
        `KEY.png`. `place` orders its pass.
        """
        contents = {"json": self.to_json(), "npy": npy_bytes(self.ids), "flac": self.flac, "png": self.png}
        members = _members(self.key, contents)
        spans = {m: sum(s.end - s.begin for s in self.segments if s.modality == m) for m in MODALITIES}
        return ShardSample(
            key=self.key, parent=self.parent, recording=self.provenance.recording, task=self.task, source=self.source,
            seconds=self.seconds,
            tokens=len(self.ids), text_tokens=spans["text"], speech_tokens=spans["speech"],
            audio_tokens=spans["audio"], image_tokens=spans["image"], loss=self.loss_bounds,
            language=self.language, speaker=self.speaker, emotion=self.emotion, level=self.level,
            licence=self.licence, split=self.split,
            text_hash=text_hash(self.text),
            crc=zlib.crc32(members), bounds=self.bounds, place=place, digest=_digest(members), members=members,
            **{f"{ending}_length": len(data) for ending, data in contents.items()},
        )  # fmt: skip

    @property
    def loss_bounds(self) -> tuple[int, ...]:
        """Begin, end, begin, end … of the tokens that count; segments that meet are one span."""
        return joined([bound for s in self.segments if s.loss for bound in (s.begin, s.end)])

    def to_json(self) -> bytes:
        record = asdict(self)
        del record["ids"], record["parent"], record["flac"], record["png"]
        return _json_bytes(record)


def joined(bounds: Sequence[int]) -> tuple[int, ...]:
    """Spans as a flat list of bounds, begin, end, begin, end …; those that meet are one.

    >>> joined([0, 1, 1, 5, 7, 9])
    (0, 5, 7, 9)
    """
    gaps = (pair for pair in zip(bounds[1:-1:2], bounds[2::2], strict=True) if pair[0] != pair[1])
    return (*bounds[:1], *chain.from_iterable(gaps), *bounds[-1:])


def _members(key: str, contents: Mapping[str, bytes]) -> bytes:
    """A sample's members as they lie in a tar."""
    return b"".join(member(f"{key}.{ending}", contents[ending]) for ending in MEMBERS if contents[ending])


def _json_bytes(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def text_hash(text: str) -> str:
    """The digest of a text, 16 hex digits."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _digest(members: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(members, digest_size=8).digest(), "little", signed=True)


def npy_bytes(ids: tuple[int, ...]) -> bytes:
    """`ids` as an .npy file of int32: a 128-byte header, then 4 bytes a token."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(ids, np.int32), allow_pickle=False)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class SampleRow:
    """What the index records of a sample; the first columns of `index.parquet`.

    `recording` names its recording, dialogue or document. `loss` is a flat list of token bounds: begin, end, begin,
    end … of the tokens that count; segments that meet are one span. `crc` is the CRC-32 of the sample's bytes in its tar, headers and
    padding included. `bounds` are the tokens at which its documents begin after the first. `level` is that of its emotion, 0 to 5.
    """

    key: str
    parent: str
    recording: str
    task: str
    source: str
    seconds: float
    tokens: Annotated[int, pa.int32()]
    text_tokens: Annotated[int, pa.int32()]
    speech_tokens: Annotated[int, pa.int32()]
    audio_tokens: Annotated[int, pa.int32()]
    image_tokens: Annotated[int, pa.int32()]
    loss: tuple[Id, ...]
    language: str
    speaker: str
    emotion: str
    level: Annotated[int, pa.int16()]
    licence: str
    split: str
    text_hash: str
    crc: int
    bounds: tuple[Id, ...]


@dataclass(frozen=True, slots=True)
class ShardSample(SampleRow):
    """A sample's row and its members as they lie in a tar.

    `place` is where it comes in its pass's order, a number in [0, 2**63) drawn from its key; `digest` is of the members. A member
    that it does not have has the length 0.
    """

    place: int
    digest: int
    members: bytes
    json_length: Annotated[int, pa.int32()]
    npy_length: Annotated[int, pa.int32()]
    flac_length: Annotated[int, pa.int32()]
    png_length: Annotated[int, pa.int32()]


def repeat_of(sample: ShardSample, number: int) -> ShardSample:
    """A copy with its own key and place, for a sample whose key occurred `number` times before.

    The suffix is unique: the key of a task's sample ends in the number of its pass, or in its split.
    """
    key = f"{sample.key}-r{number}"
    contents = _contents(sample)
    contents["json"] = _json_bytes({**json.loads(contents["json"]), "key": key})
    members = _members(key, contents)
    return replace(
        sample, key=key, crc=zlib.crc32(members), place=hash64("repeat", sample.place, number) >> 1,
        digest=_digest(members), members=members, json_length=len(contents["json"]),
    )  # fmt: skip


def _contents(sample: ShardSample) -> dict[str, bytes]:
    """The data of its members by their endings; b"" of those that it does not have."""
    contents, begin = {}, 0
    for ending in MEMBERS:
        length = getattr(sample, f"{ending}_length")
        contents[ending] = sample.members[begin + BLOCK :][:length]
        begin += space(length)
    return contents
