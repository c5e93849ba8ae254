"""The espeak-ng library, loaded afresh for each use: it keeps state that none of its calls clears.

with library(SYNCHRONOUS, NEVER_EXIT) as espeak: espeak.espeak_SetVoiceByName(b"en-us")       about 3 ms
"""

import ctypes
import tempfile
import threading
from _ctypes import dlclose
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import espeakng_loader

SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: no sound device is opened
PHONEME_EVENTS = 0x0003  # phonemes are reported, in IPA
NEVER_EXIT = 0x8000  # report a failure instead of ending the process
RATE = 22050
_LONGEST_PATH = 100  # espeak-ng cuts a file's whole path at 160 bytes
_lock = threading.Lock()


@contextmanager
def library(output: int, options: int) -> Iterator[ctypes.CDLL]:
    """A fresh copy, with its noise seeded; one at a time in a process. Raises RuntimeError when it does not start."""
    with _lock:
        espeak = ctypes.CDLL(espeakng_loader.get_library_path())
        try:
            if espeak.espeak_Initialize(output, 0, data_path().encode(), options) != RATE:
                raise RuntimeError(f"espeak-ng does not start from {data_path()}; reinstall espeakng-loader")
            espeak.espeak_ng_SetRandSeed(ctypes.c_long(1))
            ctypes.CDLL(None).srand(1)  # two of its synthesisers draw from the C library
            yield espeak
        finally:
            espeak.espeak_Terminate()
            dlclose(espeak._handle)


@cache
def data_path() -> str:
    """Where its voices lie; a short link to them where an environment (such as a cluster's) has a long path."""
    path = espeakng_loader.get_data_path()
    return path if len(path.encode()) <= _LONGEST_PATH else linked(path)


def linked(path: str) -> str:
    link = Path(tempfile.mkdtemp(prefix="weft-"), "espeak-ng-data")
    link.symlink_to(path, target_is_directory=True)
    return str(link)
