"""A real server of one clip, in a thread, that can be told to misbehave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    """`answers` are how the next requests are answered, the last one for ever: a status, a way to send the clip, or the type of a
    `page` that is sent in its place.
    """

    clip: bytes
    page: bytes = b"<!DOCTYPE html>\n<html><body>Log in</body></html>"
    port: int = 0
    answers: list[str] = field(default_factory=lambda: ["whole"])
    over: threading.Event = field(default_factory=threading.Event)
    sent: int = 0  # bytes of stretches

    def url(self, name: str = "a.flac") -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def next(self) -> str:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def serving(clip: bytes) -> Iterator[Server]:
    server = Server(clip)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            how = server.next()
            if how.isdigit():
                self.send_error(int(how))
                return
            if how == "nothing":
                server.over.wait(10)
                return
            if how == "ranges":
                self.send_range()
                return
            self.send_response(200)
            if "/" in how:
                self.send_header("Content-Type", how)
                self.end_headers()
                self.wfile.write(server.page)
                return
            if how in ("whole", "early"):
                self.send_header("Content-Length", str(len(clip)))
            self.end_headers()
            self.wfile.write(clip[:100] if how == "early" else clip)
            while how == "endless" and not server.over.is_set():
                self.wfile.write(bytes(1 << 16))

        def send_range(self) -> None:
            """A stretch, or all; and that stretches can be had."""
            begin, _, end = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
            data = clip[int(begin) : int(end) + 1] if begin else clip
            self.send_response(206 if begin else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(data)))
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{int(begin) + len(data) - 1}/{len(clip)}")
            self.end_headers()
            server.sent += len(data) if begin else 0
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that went away is what some tests want."""

    with Quiet(("127.0.0.1", 0), Handler) as http:
        server.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            http.shutdown()
            thread.join()
