"""How parent and child talk: a header of JSON, then raw samples. Needs numpy alone, for it runs in foreign environments.

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
    """What an answer raises about samples that the model cannot use: they are rejected. Any other error is a failure of the work."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def send(pipe: IO[bytes], header: dict[str, Any], samples: bytes | memoryview = b"") -> None:
    """Samples are bytes, or a view of bytes."""
    said = json.dumps(header).encode()
    pipe.write(_LENGTHS.pack(len(said), len(samples)) + said)
    pipe.write(samples)  # by themselves: they may be gigabytes
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Raises EOFError when the other side has gone."""
    said, samples = _LENGTHS.unpack(_exactly(pipe, _LENGTHS.size))
    return json.loads(_exactly(pipe, said)), _exactly(pipe, samples)


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    found = pipe.read(count)
    if len(found) < count:
        raise EOFError
    return found


def serve(load: Callable[[dict[str, Any]], Callable[[dict[str, Any], np.ndarray], dict[str, Any]]]) -> None:
    """Loads a model by the settings on the command line, then answers questions until the parent goes."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the answers
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
    """An error in a line, with the place in which it was raised."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error).strip()[:300]} ({place.filename}:{place.lineno})"
