"""Reads that fail for a moment: tried again, then Unavailable; a name that is none and a fault of the code are told as they are."""

import copy
import errno
import io
from pathlib import Path

import numpy as np
import pytest

from weft.pipelines.audio.scan import scan
from weft.pipelines.audio.sound import flac, load
from weft.pipelines.storage import retries as reading
from weft.pipelines.storage.retries import IN_A_ROW, read_with_retries, reading_as, retrying
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unavailable
from weft.schemas.reading import ReadSettings


def failing(times: int, error: Exception) -> "tuple[list[int], object]":
    tries: list[int] = []

    def read() -> str:
        tries.append(1)
        if len(tries) <= times:
            raise error
        return "read"

    return tries, read


def test_what_comes_back_is_read() -> None:
    tries, read = failing(3, OSError(errno.EIO, "Input/output error"))
    assert read_with_retries(read, "clip.wav") == "read" and len(tries) == 4


@pytest.mark.parametrize(
    ("error", "absent"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), True),
        (OSError(errno.ESTALE, "Stale file handle"), False),
        (TimeoutError("no answer"), False),
        (ConnectionResetError("reset by peer"), False),
        (MemoryError(), False),
    ],
)
def test_what_stays_away_is_unavailable(error: Exception, absent: bool) -> None:
    tries, read = failing(9, error)
    with pytest.raises(Unavailable, match=r"clip\.wav: .+") as found:
        read_with_retries(read, "clip.wav")
    assert len(tries) == 4 and found.value.absent == absent
    again = copy.copy(found.value)  # as it goes from one process to another
    assert (str(again), again.absent) == (str(found.value), absent)


def test_a_server_that_says_there_is_no_such_file_is_asked_once() -> None:
    tries, read = failing(9, FileNotFoundError("https://host/clip.wav"))
    with pytest.raises(Unavailable):
        read_with_retries(read, "https://host/clip.wav")
    assert len(tries) == 1


def test_of_one_piece_of_work_only_the_first_failure_of_a_kind_is_waited_for_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(reading, "sleep", waits.append)
    with reading_as(ReadSettings(tries=3, wait=1.0)):
        for error in (FileNotFoundError(), FileNotFoundError(), OSError(errno.EIO, "EIO"), OSError(errno.EIO, "EIO")):
            with pytest.raises(Unavailable):
                read_with_retries(failing(9, error)[1], "clip.wav")
    assert waits == [1.0, 4.0, 1.0, 4.0, 1.0]
    with reading_as(ReadSettings(tries=2, wait=0.1)), pytest.raises(Unavailable):
        read_with_retries(failing(9, FileNotFoundError())[1], "clip.wav")
    assert waits[5:] == [0.1]


def test_a_server_that_never_answers_is_given_up_and_tried_once_by_the_next_piece_of_work() -> None:
    tries, read = failing(IN_A_ROW + 5, TimeoutError("no answer"))
    with reading_as(ReadSettings(tries=1)):
        for number in range(IN_A_ROW + 50):
            with pytest.raises(Unavailable, match="no answer" if number < IN_A_ROW else "not tried: 8 reads in a row"):
                read_with_retries(read, f"https://host/{number}.wav")
        assert len(tries) == IN_A_ROW
        assert (
            read_with_retries(lambda: "read", "https://other/a.wav")
            == read_with_retries(lambda: "read", "/local/a.wav")
            == "read"
        )
    for _ in range(5):
        with reading_as(ReadSettings(tries=4)):
            for _ in range(3):
                with pytest.raises(Unavailable):
                    read_with_retries(read, "https://host/a.wav")
    assert len(tries) == IN_A_ROW + 5
    with reading_as(ReadSettings(tries=4)):
        assert read_with_retries(read, "https://host/a.wav") == read_with_retries(read, "https://host/b.wav") == "read"


def test_files_that_are_not_there_say_nothing_of_the_others() -> None:
    with reading_as(ReadSettings()):
        for _ in range(3 * IN_A_ROW):
            with pytest.raises(Unavailable, match="no such file"):
                read_with_retries(failing(9, FileNotFoundError("x"))[1], "https://host/a.wav")
        assert read_with_retries(lambda: "read", "https://host/b.wav") == "read"


def test_a_name_that_is_none_is_no_failure() -> None:
    with pytest.raises(ValueError, match="File name too long"):
        read_with_retries(failing(9, OSError(errno.ENAMETOOLONG, "File name too long"))[1], "x" * 999)


def test_a_fault_of_the_code_is_raised_at_once() -> None:
    tries, read = failing(9, AttributeError("no such"))
    with pytest.raises(AttributeError):
        read_with_retries(read, "clip.wav")
    assert len(tries) == 1


class Failing(io.BytesIO):
    """A file on a mount that goes while it is read."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 20_000:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(20_000 if size is None or size < 0 else min(size, 20_000))


@pytest.mark.parametrize("ending", ["flac", "mp3"])
def test_a_mount_that_goes_while_audio_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """Decoders take it for the end of the file."""
    import soundfile

    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 48_000).astype(np.float32)
    soundfile.write(str(tmp_path / f"a.{ending}"), noise, 16_000)
    whole = (tmp_path / f"a.{ending}").read_bytes() * (1 if ending == "flac" else 4)
    monkeypatch.setattr(Store, "open", lambda self, name: Failing(whole))
    for read in (lambda a: scan(Store("."), a), lambda a: load(Store("."), a, 0.0, 3.0)):
        with pytest.raises(Unavailable, match=f"a.{ending}: Input/output error"):
            read(Audio(str(tmp_path / f"a.{ending}")))


def test_what_was_read_is_given_on() -> None:
    with retrying(io.BytesIO(flac(np.zeros(800, np.float32), 16_000)), "clip") as file:
        assert file.read(4) == b"fLaC"
    with pytest.raises(ValueError, match="of the code"), retrying(io.BytesIO(b""), "clip"):
        raise ValueError("of the code")
