"""The protocol between parent and child: a JSON header, then raw samples. It needs only numpy, as it runs in other environments.

16 bytes: the length of the header and of the samples, little-endian; the header; the samples
"""

import json
import os
import struct
import sys
import traceback
from collections.abc import Callable
from typing import IO, Any

import numpy as np

_LENGTHS = struct.Struct("<QQ")


class Unusable(Exception):
    """Raised by an answer for samples that the model cannot use: they are rejected. Any other error fails the work."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def send(pipe: IO[bytes], header: dict[str, Any], samples: bytes | memoryview = b"") -> None:
    """Writes a message; samples are bytes, or a view of bytes."""
    encoded = json.dumps(header).encode()
    pipe.write(_LENGTHS.pack(len(encoded), len(samples)) + encoded)
    pipe.write(samples)  # not joined with the header: they may be gigabytes
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Reads a message. Raises EOFError when the other process has ended."""
    header_length, samples_length = _LENGTHS.unpack(_exactly(pipe, _LENGTHS.size))
    return json.loads(_exactly(pipe, header_length)), _exactly(pipe, samples_length)


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data


def serve(load: Callable[[dict[str, Any]], Callable[[dict[str, Any], np.ndarray], dict[str, Any]]]) -> None:
    """Loads a model by the settings on the command line, then answers questions until the parent ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of libraries must not mix with the answers
    try:
        answer = load(json.loads(sys.argv[1]))
    except Exception as error:  # noqa: BLE001
        send(answers, {"fault": fault_of(error)})
        return
    send(answers, {"ready": True})
    while True:
        try:
            question, samples = receive(sys.stdin.buffer)
        except EOFError:
            return
        try:
            send(answers, answer(question, np.frombuffer(samples, np.float32)))
        except Unusable as refusal:
            send(answers, {"unusable": refusal.reason, "detail": refusal.detail})
        except Exception as error:  # noqa: BLE001 - the parent raises it
            send(answers, {"fault": fault_of(error)})


def fault_of(error: Exception) -> str:
    """An error as one line, with the file and line that raised it."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error).strip()[:300]} ({place.filename}:{place.lineno})"
