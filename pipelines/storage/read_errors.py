"""What an error of a read says: whether to ask again, and why in words.

is_environment(OSError("…"))         True: the file, the mount or the server; not the content
is_absent(error)                     whether the answer is that there is no such file
reason_of(error)                     "the server answers 503"
"""

import errno
import os
from collections.abc import Iterator

_NO_SUCH_FILE = (404, 410)
_SERVER_LIBRARIES = ("aiohttp", "botocore", "ftplib", "httpx")
_OF_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE}  # it says nothing of what is read
NO_NAME = {errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EISDIR}  # of the name itself: no try makes it better


def is_environment(error: Exception) -> bool:
    """Errors of the operating system and of servers; fsspec lets those of the libraries that ask them through."""
    return isinstance(error, OSError | MemoryError) or type(error).__module__.split(".")[0] in _SERVER_LIBRARIES


def is_absent(error: Exception) -> bool:
    """Whether the answer is that there is no such file. fsspec raises FileNotFoundError for whatever a web server answers."""
    status = _status(error)
    return isinstance(error, FileNotFoundError) if status is None else status in _NO_SUCH_FILE


def is_of_machine(error: Exception) -> bool:
    return isinstance(error, MemoryError) or getattr(error, "errno", None) in _OF_MACHINE


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those behind it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


_WEB_FAULTS = {
    "TooManyRedirects": "its server sends it in a circle",
    "NonHttpUrlRedirectClientError": "its server sends it on to what is no web address",
    "InvalidURL": "it leads to what is no url",
    "ContentLengthError": "its answer breaks off",
    "ContentEncodingError": "its answer cannot be unpacked",
    "PayloadEncodingError": "its answer cannot be unpacked",
    "TransferEncodingError": "its answer breaks off",
    "ClientPayloadError": "its answer breaks off",
}


def _web_fault(error: BaseException) -> str:
    """What is wrong with an answer that aiohttp could not read: it makes up a status for it (0, 400), and shows the whole url."""
    faults = [_WEB_FAULTS[name] for one in _chain(error) if (name := type(one).__name__) in _WEB_FAULTS]
    no_http = any(type(one).__module__ == "aiohttp.http_exceptions" for one in _chain(error))
    return faults[-1] if faults else "its answer is no HTTP" if no_http else ""


def _status(error: BaseException | None) -> int | None:
    """What a web server answered; None where nothing of the kind is behind the error."""
    statuses = (getattr(one, "status", None) for one in _chain(error))
    return next((status for status in statuses if isinstance(status, int)), None)


def reason_of(error: Exception) -> str:
    """In words, without the url: that may hold a secret."""
    if fault := _web_fault(error):
        return fault
    if (status := _status(error)) is not None:
        return f"the server answers {status}"
    if isinstance(error, FileNotFoundError) and not error.strerror:
        return "no such file"  # fsspec says the url, with its query
    words = " ".join(str(getattr(error, "strerror", None) or error).split())
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, str) and os.path.islink(error.filename):
        return f"{words} (a dangling link)"
    return words or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
