"""Absolute paths, as the operating system reads them.

absolute("clips/../books")    "/home/me/books", or "/data/books" where clips is a link to /data/clips
"""

import os


def absolute(path: str) -> str:
    """The path from the root, without `.` and `..`. Links keep their names, but the folder above a link is above what it leads to:
    `os.path.abspath` strikes out the link instead, and so names another folder.
    """
    whole = os.sep
    for name in (path if os.path.isabs(path) else os.path.join(os.getcwd(), path)).split(os.sep):
        if name == os.pardir:
            whole = os.path.dirname(os.path.realpath(whole) if os.path.islink(whole) else whole)
        elif name not in ("", os.curdir):
            whole = os.path.join(whole, name)
    return whole
