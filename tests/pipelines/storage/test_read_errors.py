"""What an error of a read says."""

import errno

import pytest

from weft.pipelines.storage.read_errors import is_absent, is_environment, is_of_machine, reason_of


class Answer(Exception):
    """As aiohttp raises it: with the status of a web server."""

    def __init__(self, status: int) -> None:
        self.status = status


def behind(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "absent", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.wav"), True, "No such file or directory"),
        (FileNotFoundError("https://host/a.wav?token=x"), True, "no such file"),
        (behind(FileNotFoundError("https://host/a.wav"), Answer(404)), True, "the server answers 404"),
        (behind(FileNotFoundError("https://host/a.wav"), Answer(503)), False, "the server answers 503"),
        (TimeoutError(), False, "no answer in time"),
        (OSError(errno.EIO, "Input/output error"), False, "Input/output error"),
    ],
)
def test_what_the_environment_answers(error: Exception, absent: bool, words: str) -> None:
    assert is_environment(error) and not is_of_machine(error)
    assert (is_absent(error), reason_of(error)) == (absent, words)


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOSPC, "full"), OSError(errno.EMFILE, "too many")])
def test_what_is_of_the_machine(error: Exception) -> None:
    assert is_of_machine(error) and is_environment(error) and not is_absent(error)


def test_a_fault_of_the_code_is_neither() -> None:
    assert not is_environment(KeyError("x")) and not is_of_machine(KeyError("x"))
