"""Answers of web servers with status 200 that are no files: a page to log in, of a proxy, of an error.

check_page("https://host/a.flac", "text/html; charset=utf-8", b"<!doctype html>…")     raises WebPage

Scripts that send audio often leave its type at text/html, so a type alone proves nothing: the bytes must be text too.
"""

HEAD = 1 << 10  # bytes that are looked at
_MARKS = (b"<!doctype html", b"<html")
_PAGES = (
    "text/html",
    "text/plain",
    "application/xhtml+xml",
    "application/xml",
    "text/xml",
    "application/json",
    "application/problem+json",
)
# endings of files that are text themselves
_TEXTS = (
    ".txt", ".text", ".transcript", ".csv", ".tsv", ".md", ".lab", ".json", ".jsonl", ".textgrid", ".ctm", ".rttm", ".xml"
)  # fmt: skip


class WebPage(OSError):
    """The server sent a page in place of the file: its fault, so it is asked again."""


def check_page(url: str, kind: str, head: bytes) -> None:
    """`kind` is the answer's Content-Type. Raises WebPage."""
    kind = kind.partition(";")[0].strip().lower()
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_MARKS)
    if _names_text(url):
        is_page = begins and kind in ("text/html", "application/xhtml+xml")
    else:
        is_page = begins or (kind in _PAGES and _is_text(head))
        if not head:
            raise WebPage("the server sends an empty answer in place of the file")
    if is_page:
        raise WebPage(f"the server answers with a page ({kind or 'HTML'}) in place of the file; does it want a login?")


def _names_text(url: str) -> bool:
    return url.partition("?")[0].lower().removesuffix(".gz").endswith(_TEXTS)


def _is_text(head: bytes) -> bool:
    """Whether there is something, and nothing in it but characters."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else the last character is cut
            return False
        text = head[: error.start].decode("utf-8")
    return bool(text) and all(character.isprintable() or character.isspace() for character in text)
