"""Damage in mid-file that decoders pass over with silence or noise is refused, with its place."""

import io
import random
from functools import cache

import av
import numpy as np
import pytest
import soundfile

from weft.pipelines.audio.damage import damage
from weft.pipelines.audio.scan import scan
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unusable

NOISE = (0.2 * np.random.default_rng(0).standard_normal(16000 * 6)).astype(np.float32)


@cache
def encoded(kind: str) -> bytes:
    """Six seconds; `opus` and `vorbis` lie in Ogg, the rest says its container."""
    buffer = io.BytesIO()
    if kind == "flac":
        soundfile.write(buffer, NOISE, 16000, format="FLAC")
    elif kind in ("opus", "vorbis"):
        soundfile.write(buffer, NOISE, 16000, format="OGG", subtype=kind.upper())
    else:
        codec, container, *live = kind.split()
        _muxed(buffer, codec, container, {"live": "1"} if live else {})
    return buffer.getvalue()


def _muxed(buffer: io.BytesIO, codec: str, container: str, options: dict[str, str]) -> None:
    with av.open(buffer, "w", format=container, options=options) as out:
        rate = 48000 if codec in ("libopus", "ac3") else 16000
        stream = out.add_stream(codec, rate=rate)
        stream.layout = "mono"
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(NOISE[None], format="flt", layout="mono")
        frame.sample_rate = 16000
        coder = stream.codec_context
        resampler = av.AudioResampler(coder.format.name, "mono", rate, coder.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            if part:
                part.pts = None
            out.mux(stream.encode(part))


def changed(data: bytes, place: float, length: int) -> bytes:
    begin = int(len(data) * place)
    return data[:begin] + random.Random(begin).randbytes(length) + data[begin + length :]


KINDS = ("flac", "vorbis", "opus", "libopus matroska", "libopus webm", "libopus webm live")


@pytest.mark.parametrize("kind", [*KINDS, "tta tta", "ac3 ac3"])
def test_a_sound_file_is_read_whole(store: Store, kind: str) -> None:
    assert damage(io.BytesIO(encoded(kind))) == ""
    assert scan(store, Audio("", data=encoded(kind))).seconds == pytest.approx(6.0, abs=0.05)


@pytest.mark.parametrize("place", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("kind", KINDS)
def test_bytes_that_were_overwritten(store: Store, kind: str, place: float) -> None:
    with pytest.raises(Unusable) as caught:
        scan(store, Audio("", data=changed(encoded(kind), place, 2000)))
    assert caught.value.reason == "damaged"


@pytest.mark.parametrize("kind", ["flac", "vorbis", "opus", "libopus matroska"])
def test_one_byte_where_there_are_checksums(store: Store, kind: str) -> None:
    with pytest.raises(Unusable) as caught:
        scan(store, Audio("", data=changed(encoded(kind), 0.5, 1)))
    assert caught.value.reason == "damaged"


@pytest.mark.parametrize("kind", ["tta tta", "ac3 ac3"])
def test_a_frame_whose_decoder_checks_it(store: Store, kind: str) -> None:
    with pytest.raises(
        Unusable, match=r"decoding stops after [23]\.\d\d s \(what follows is nothing that its decoder knows"
    ):
        scan(store, Audio("", data=changed(encoded(kind), 0.5, 1)))


@pytest.mark.parametrize("kind", ["flac", "vorbis", "libopus matroska"])
def test_bytes_that_are_gone(store: Store, kind: str) -> None:
    data = encoded(kind)
    with pytest.raises(Unusable) as caught:
        scan(store, Audio("", data=data[: len(data) // 2] + data[len(data) // 2 + 3000 :]))
    assert caught.value.reason == "damaged"


def test_damage_in_the_last_frame_of_a_flac(store: Store) -> None:
    data = bytearray(encoded("flac"))
    data[-20] ^= 1
    with pytest.raises(Unusable, match=r"decoding stops after 5\.\d\d s"):
        scan(store, Audio("", data=bytes(data)))


def test_a_frame_of_flac_that_is_gone(store: Store) -> None:
    with av.open(io.BytesIO(encoded("flac"))) as container:
        frames = [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]
    head = encoded("flac")[: -sum(map(len, frames))]
    with pytest.raises(Unusable, match=r"its frame at 2\.56 s is damaged or missing"):
        scan(store, Audio("", data=head + b"".join(frames[:10] + frames[11:])))


def pages(data: bytes) -> list[bytes]:
    return [b"OggS" + page for page in data.split(b"OggS")[1:]]


def test_a_page_of_ogg_that_is_gone(store: Store) -> None:
    all_pages = pages(encoded("vorbis"))
    place = sum(map(len, all_pages[:5]))
    with pytest.raises(Unusable, match=rf"pages are missing before byte {place:,} of .*: number 6 follows 4"):
        scan(store, Audio("", data=b"".join(all_pages[:5] + all_pages[6:])))


def test_one_who_joins_a_broadcast_gets_later_pages(store: Store) -> None:
    all_pages = pages(encoded("opus"))
    assert damage(io.BytesIO(b"".join(all_pages[:2] + all_pages[4:]))) == ""


def test_what_lies_between_pages() -> None:
    first, *others = pages(encoded("vorbis"))
    fault = damage(io.BytesIO(first + b"junk" + b"".join(others)))
    assert fault.startswith(f"bytes that are no Ogg page begin at byte {len(first):,} of ")


@pytest.mark.parametrize("behind", [b"TAG" + bytes(125), bytes(512)])
@pytest.mark.parametrize("kind", ["flac", "vorbis", "libopus webm"])
def test_tags_and_padding_are_no_damage(kind: str, behind: bytes) -> None:
    assert damage(io.BytesIO(encoded(kind) + behind)) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_was_cut_off_is_not_damaged(kind: str) -> None:
    data = encoded(kind)
    assert not {damage(io.BytesIO(data[:end])) for end in range(100, len(data), len(data) // 37)} - {""}


@pytest.mark.parametrize("kind", ["vorbis", "opus", "flac"])
def test_joined_files_are_not_damaged(kind: str) -> None:
    assert damage(io.BytesIO(encoded(kind) * 2)) == ""


@pytest.mark.parametrize("count", [2, 3, 12])
@pytest.mark.parametrize("kind", ["libopus webm", "libopus webm live", "aac matroska"])
def test_joined_matroska_is_refused_with_the_place(store: Store, kind: str, count: int) -> None:
    """FFmpeg reads two of them, or those without a size: and a later one with the tracks of the first."""
    data = encoded(kind)
    with pytest.raises(Unusable, match=f"a second file begins at byte {len(data):,} of {count * len(data):,}"):
        scan(store, Audio("", data=data * count))


@pytest.mark.parametrize("other", ["vorbis", "libmp3lame mp3", "random"])
@pytest.mark.parametrize("kind", ["flac", "libopus webm", "aac matroska"])
def test_other_bytes_behind_a_file_are_refused(store: Store, kind: str, other: str) -> None:
    data = encoded(kind)
    behind = random.Random(1).randbytes(5000) if other == "random" else encoded(other)
    with pytest.raises(Unusable, match=r"bytes that are no (FLAC|Matroska) begin at byte") as refused:
        scan(store, Audio("", data=data + behind))
    assert refused.value.reason == "damaged" and f" of {len(data + behind):,}" in refused.value.detail


def test_the_last_frame_of_flac_ends_where_its_checksum_is_right() -> None:
    data = encoded("flac")
    assert f"begin at byte {len(data):,} of {len(data) + 1000:,}" in damage(io.BytesIO(data + b"x" * 1000))
