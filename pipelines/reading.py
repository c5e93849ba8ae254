"""Reads that fail for a moment: tried again after a while, and then a failure of the work, never a reject.

    patiently(lambda: store.open(uri), uri)     # raises Unavailable after the last try

What a file holds is another matter: content that was read and is wrong is a reject (Unusable).
"""

import errno
import time
from collections.abc import Callable
from typing import TypeVar

from weft.schemas.ledger import Unavailable

T = TypeVar("T")
WAITS = (0.5, 2.0, 8.0)  # seconds before each further try
_NO_SUCH_FILE = (404, 410)
_NO_NAME = {errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EISDIR}  # of the name itself: no try makes it better


def patiently(read: Callable[[], T], what: str) -> T:
    """What `read` returns. Raises Unavailable where the file, the mount or the server is gone; ValueError for what is no name."""
    for wait in (*WAITS, None):
        try:
            return read()
        except Exception as error:
            if not _is_environment(error):
                raise
            if isinstance(error, OSError) and error.errno in _NO_NAME:
                raise ValueError(_why(error)) from None
            if wait is None or ("://" in what and _is_absent(error)):
                raise Unavailable(what, _why(error), _is_absent(error)) from None
            time.sleep(wait)
    raise AssertionError("the last try returns or raises")


def _is_environment(error: Exception) -> bool:
    """Errors of the operating system and of servers; fsspec lets those of aiohttp through."""
    return isinstance(error, OSError | MemoryError) or type(error).__module__.split(".")[0] in ("aiohttp", "botocore")


def _is_absent(error: Exception) -> bool:
    """Whether the answer is that there is no such file. fsspec raises FileNotFoundError for whatever a web server answers."""
    return isinstance(error, FileNotFoundError) and _status(error) in (None, *_NO_SUCH_FILE)


def _status(error: BaseException | None) -> int | None:
    """What a web server answered; None where nothing of the kind is behind the error."""
    while error is not None:
        if isinstance(status := getattr(error, "status", None), int):
            return status
        error = error.__cause__ or error.__context__
    return None


def _why(error: Exception) -> str:
    if (status := _status(error)) is not None:
        return f"the server answers {status}"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
