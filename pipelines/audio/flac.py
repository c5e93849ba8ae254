"""FLAC as a row of frames: where one is damaged or missing, and what lies behind the last.

damage(file)      "its frame at 12.80 s is damaged or missing"
"""

from typing import BinaryIO

import av

from weft.pipelines.audio import streams
from weft.pipelines.audio.unread import unread


def damage(file: BinaryIO) -> str:
    """FFmpeg leaves out frames with a wrong checksum where it parts the file into frames, so that the next one is not at its place."""
    file.seek(0)
    last = None
    try:
        options = {"format_whitelist": "flac"}
        with av.open(file, "r", container_options=options, metadata_errors="replace") as container:
            stream = container.streams.audio[0]
            rate = stream.codec_context.sample_rate
            stream.codec_context.options = {
                "err_detect": "crccheck+explode"
            }  # for the last frame, which may be cut off
            samples = 0 if stream.duration else None  # one of unknown length may be a piece of a broadcast
            for packet in container.demux(stream):
                if not packet.size or packet.pts is None:
                    continue
                if samples not in (None, packet.pts):
                    is_joined = (
                        streams.next_flac(file) > 0
                    )  # it has a reason of its own; this moves the demuxer's place
                    return "" if is_joined else f"its frame at {samples / rate:.2f} s is damaged or missing"
                samples = packet.pts + (packet.duration or 0)
                last = packet
            if last is None or not last.decode():
                return ""
            largest = _HEADER + _SAMPLE * stream.codec_context.channels * (last.duration or 0)
    except (av.FFmpegError, ValueError, IndexError):  # what no decoder reads has another reason
        return ""
    return _behind(file, last.pos or 0, bytes(last), largest)


def _behind(file: BinaryIO, at: int, frame: bytes, largest: int) -> str:
    """What lies behind the last frame, which FFmpeg takes for a part of it: the frame ends where its checksum is right."""
    ends = _ends(frame[:largest])
    if not ends or ends[-1] == len(frame):
        return ""
    faults = [unread(file, at + end, "FLAC") for end in ends]  # a checksum is right by chance, too
    return "" if "" in faults else faults[0]


def _ends(frame: bytes) -> list[int]:
    """The bytes behind which a frame may end: the checksum of all before them, which ends with their own, is 0."""
    crc, ends = 0, []
    for end, byte in enumerate(frame, 1):
        crc = (crc << 8 & 0xFFFF) ^ _CRC[crc >> 8 ^ byte]
        if not crc:
            ends.append(end)
    return ends


def _of_byte(byte: int) -> int:
    """Its CRC-16, of the polynomial 0x8005."""
    crc = byte << 8
    for _ in range(8):
        crc = crc << 1 ^ (0x18005 if crc & 0x8000 else 0)
    return crc


_CRC = [_of_byte(byte) for byte in range(256)]
_HEADER = 512  # bytes; no header of a frame is as long
_SAMPLE = 5  # bytes; no sample is as long
