"""Sources that go in mid-build, with nothing patched: a folder that is really moved, a server that is really stopped.

The command line builds in a process of its own. While the source is away the same command changes nothing; once it is back, it makes
the bytes of an undisturbed build.
"""

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.faults

COPIES = 6  # of each clip, so that there is something left to do once the source is away
MOMENTS = ["ingest", "segment", "encode"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Path:
    """Of one module, as the records of a corpus hold no place and its recipe does."""
    folder = tmp_path_factory.mktemp("away")
    (folder / "raw").mkdir()
    for clip in sorted((material / "raw").glob("*.flac")):
        for copy in range(COPIES):
            shutil.copy(clip, folder / "raw" / f"{clip.stem}-{copy}.flac")
            shutil.copy(clip.with_suffix(".txt"), folder / "raw" / f"{clip.stem}-{copy}.txt")
    return folder


class Web:
    """Python's own web server over a folder, as a process on a port that stays the same."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        serve = [sys.executable, "-m", "http.server", str(self.port), "--bind", "127.0.0.1", "-d", str(self._folder)]
        self._process = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert until(self.answers, 60)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def answers(self) -> bool:
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture(scope="module")
def web(root: Path) -> Iterator[Web]:
    server = Web(root / "raw")
    server.start()
    yield server
    server.stop()


def recipe(root: Path, name: str, **source: str) -> Path:
    """Six clips a part."""
    path = root / f"{name}.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "name": "away", "part_size": 6, "reading": {"tries": 2, "wait": 0.05}, "sources": {"speech": source},
                "align": {"use": "none"}, "tokenizers": {"cepstra": {"use": "cepstra", "size": 8}},
            }
        )
    )  # fmt: skip
    return path


def command(written: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "weft.jobs.cli", "build", str(written), "--out", str(out), *more]


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Looks until something holds, for at most so long."""
    tick, deadline = threading.Event(), time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        tick.wait(0.002)
    return holds()


def content(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def disturbed(written: Path, out: Path, moment: str, take_away: Callable[[], object], engine: str) -> str:
    """Takes the source away once the first part of a stage is made; returns what the build says at its end."""
    builds = subprocess.Popen(command(written, out, "--engine", engine), stderr=subprocess.PIPE, text=True)
    try:
        assert until(lambda: any((out / moment).rglob("part-*.parquet")), 1200)
        take_away()
        _, output = builds.communicate(timeout=1200)
    finally:
        builds.kill()
        builds.wait()
    assert builds.returncode == 1, output
    return output


def check_that_nothing_changes(written: Path, out: Path) -> None:
    before = content(out)
    again = subprocess.run(command(written, out, "--engine", "local"), capture_output=True, text=True)
    assert again.returncode == 1 and "source 'speech'" in again.stderr
    assert content(out) == before


@pytest.fixture(scope="module")
def of_folder(root: Path) -> Path:
    written = recipe(root, "folder", use="folder", path=str(root / "raw"))
    subprocess.run(command(written, root / "folder", "--engine", "local"), check=True)
    return written


@pytest.fixture(scope="module")
def of_web(root: Path, web: Web) -> Path:
    clips = sorted((root / "raw").glob("*.flac"))
    (root / "urls.txt").write_text("".join(f"http://127.0.0.1:{web.port}/{clip.name}\tso\n" for clip in clips))
    written = recipe(root, "web", use="urls", path=str(root / "urls.txt"))
    subprocess.run(command(written, root / "web", "--engine", "local"), check=True)
    return written


@pytest.mark.parametrize("engine", ["local", "ray"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_folder_that_is_moved_away(of_folder: Path, root: Path, tmp_path: Path, moment: str, engine: str) -> None:
    raw, away = root / "raw", tmp_path / "raw"
    try:
        output = disturbed(of_folder, tmp_path / "corpus", moment, lambda: raw.rename(away), engine)
        assert "source speech: " in output and "cannot be read now" in output and "No such file or directory" in output
        check_that_nothing_changes(of_folder, tmp_path / "corpus")
    finally:
        away.rename(raw)
    subprocess.run(command(of_folder, tmp_path / "corpus", "--engine", engine), check=True)
    assert content(tmp_path / "corpus") == content(root / "folder")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_that_is_stopped(of_web: Path, root: Path, web: Web, tmp_path: Path, moment: str) -> None:
    try:
        output = disturbed(of_web, tmp_path / "corpus", moment, web.stop, "local")
        assert "source speech: " in output and "cannot be read now" in output and f"127.0.0.1:{web.port}" in output
        check_that_nothing_changes(of_web, tmp_path / "corpus")
    finally:
        web.start()
    subprocess.run(command(of_web, tmp_path / "corpus", "--engine", "local"), check=True)
    assert content(tmp_path / "corpus") == content(root / "web")
