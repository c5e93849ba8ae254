"""What counts as a page in place of a file, and what is the file."""

import pytest

from weft.pipelines.storage.pages import WebPage, check_page


@pytest.mark.parametrize(
    ("url", "kind", "head"),
    [
        ("https://host/a.wav", "text/html", b"Access denied for \xc3\xa9"),
        ("https://host/a.wav", "text/html", b"Access denied for \xc3"),
        ("https://host/a.wav", "", b"\xef\xbb\xbf\r\n<HTML>"),
        ("https://host/a.wav", "application/octet-stream", b"<!doctype html>"),
        ("https://host/a.wav", "application/json; charset=utf-8", b'{"error": "expired"}'),
        ("https://host/a.wav?x=a.txt", "application/xml", b"<?xml version='1.0'?><Error/>"),
        ("https://host/a.txt", "text/html; charset=utf-8", b"<html>"),
    ],
)
def test_pages(url: str, kind: str, head: bytes) -> None:
    with pytest.raises(WebPage, match="in place of the file"):
        check_page(url, kind, head)


@pytest.mark.parametrize(
    ("url", "kind", "head"),
    [
        ("https://host/a.wav", "text/html", b"RIFF\x24\0\0\0WAVEfmt "),
        ("https://host/a.mp3", "text/html", b"\xff\xfb\x90\x64" + bytes(16)),
        ("https://host/a.txt", "text/html", b"Once upon a time"),
        ("https://host/a.txt", "text/plain", b"<html> is how a page begins"),
        ("https://host/a.jsonl", "application/json", b'{"text": "so"}'),
        ("https://host/a.txt.gz", "application/octet-stream", b"\x1f\x8b"),
    ],
)
def test_files(url: str, kind: str, head: bytes) -> None:
    check_page(url, kind, head)
