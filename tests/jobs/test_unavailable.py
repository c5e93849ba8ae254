"""Audio that goes for a while: the build fails and says so, nothing is lost for good, and afterwards the bytes are the same."""

import importlib.util
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.failures import BuildError
from weft.jobs.schedule import WorkEvent
from weft.pipelines.corpus.source_check import SourceGone
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.item import Item
from weft.schemas.ledger import Reject
from weft.schemas.limits import SpeechLimits
from weft.schemas.reading import ReadSettings


def write_recipe(root: Path, **source: Any) -> Path:
    root.mkdir(exist_ok=True)
    model = {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    recipe = {
        "name": "away", "part_size": 4, "align": {"use": "none"}, "sources": {"speech": source},
        "tokenizers": {"cepstra": {"use": "cepstra", "size": 8}}, "text": {"use": "bpe", "size": 300},
        "tasks": {"speech": {"use": "speech", "sources": ["speech"]}},
        "training": {"pre": {
            "mixture": {"total": 300, "shares": {"speech": 1}, "exhausted": "repeat", "passes": 9}, "context": 64,
            "model": {"config": model}, "optimiser": {"lr": 1e-3, "batch_tokens": 64},
        }},
    }  # fmt: skip
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return root / "recipe.yaml"


def ran(recipe: Path, out: Path, report: Any = lambda event: None) -> None:
    store = Store(str(out))
    build(read_pipeline(str(recipe)), store, LocalEngine(store), report, lambda works: None)


def files(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


@pytest.fixture
def recipe(tmp_path: Path, material: Path) -> Path:
    shutil.copytree(material / "raw", tmp_path / "raw")
    return write_recipe(tmp_path, use="folder", path=str(tmp_path / "raw"))


@pytest.mark.parametrize("moment", ["ingest/speech", "segment/speech", "models/cepstra"])
def test_a_folder_that_goes_in_mid_build(recipe: Path, tmp_path: Path, moment: str) -> None:
    raw = tmp_path / "raw"
    ran(recipe, tmp_path / "undisturbed")

    def move(event: WorkEvent) -> None:
        if event.node == moment and raw.exists():
            raw.rename(tmp_path / "moved")

    with pytest.raises(BuildError, match=r"source speech: \d+ items? cannot be read now(.|\n)*No such file"):
        ran(recipe, tmp_path / "corpus", move)
    assert not list((tmp_path / "corpus" / "shards").rglob("*.tar"))
    (tmp_path / "moved").rename(raw)
    ran(recipe, tmp_path / "corpus")
    assert files(tmp_path / "corpus") == files(tmp_path / "undisturbed")


def test_a_finished_corpus_is_left_as_it_is(recipe: Path, tmp_path: Path, material: Path) -> None:
    lines = [f'{{"audio": "{tmp_path}/raw/{n:02d}.flac", "text": "so"}}' for n in range(12)]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    recipe = write_recipe(tmp_path, use="manifest", path=str(tmp_path / "list.jsonl"))
    ran(recipe, tmp_path / "corpus")
    before = files(tmp_path / "corpus")
    (tmp_path / "raw").rename(tmp_path / "moved")
    with pytest.raises(SourceGone, match="nothing of it can be read now"):
        ran(recipe, tmp_path / "corpus")
    assert files(tmp_path / "corpus") == before


def test_a_clip_that_is_not_there_yet_is_read_once_it_is(recipe: Path, tmp_path: Path) -> None:
    lines = [f'{{"audio": "{tmp_path}/raw/{n:02d}.flac", "text": "so"}}' for n in range(12)]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    recipe = write_recipe(tmp_path, use="manifest", path=str(tmp_path / "list.jsonl"), missing="reject")
    ran(recipe, tmp_path / "undisturbed")
    (tmp_path / "raw" / "03.flac").rename(tmp_path / "03.flac")
    ran(recipe, tmp_path / "corpus")
    assert reasons(tmp_path / "corpus") == ["missing"]
    assert again(recipe, tmp_path / "corpus") == [("ingest/speech", ("1 of its items could not be read",))]
    (tmp_path / "03.flac").rename(tmp_path / "raw" / "03.flac")
    ran(recipe, tmp_path / "corpus")
    assert reasons(tmp_path / "corpus") == []
    assert files(tmp_path / "corpus") == files(tmp_path / "undisturbed")


def again(recipe: Path, out: Path) -> list[tuple[str, tuple[str, ...]]]:
    """What a build of the same does that changes no byte, and why."""
    before, events = files(out), list[WorkEvent]()
    ran(recipe, out, events.append)
    assert files(out) == before
    return [(event.node, event.why) for event in events if event.what == "done"]


def test_a_build_goes_on_without_what_is_not_there_and_says_how_many_are_not(
    recipe: Path, tmp_path: Path, weft: Callable[..., tuple[int, str, str]]
) -> None:
    lines = [f'{{"audio": "{tmp_path}/raw/{n:02d}.flac", "text": "so"}}' for n in range(12)]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    recipe = write_recipe(tmp_path, use="manifest", path=str(tmp_path / "list.jsonl"))
    ran(recipe, tmp_path / "undisturbed")
    (tmp_path / "away").mkdir()
    whole = Store(str(tmp_path / "undisturbed"))  # keys follow the path, so the parts of the clips are not known before
    first = next(names for n in whole.names("list/speech", ".parquet") if (names := read_part(whole, n, Item)))
    gone = sorted(item.path.rpartition("/")[2] for item in first)
    items = counted(len(gone), "item")
    for name in gone:
        (tmp_path / "raw" / name).rename(tmp_path / "away" / name)
    code, _, output = weft("build", recipe, "--out", tmp_path / "corpus", "--engine", "local")
    assert code == 1 and f"source speech: {items} cannot be read now; the same command reads" in output
    assert (
        all(f"{name}: No such file or directory" in output for name in gone[:5])
        and "sources.speech.missing=reject" in output
    )
    store = Store(str(tmp_path / "corpus"))
    made = set(store.names("ingest/speech", ".parquet"))
    assert 0 < len(made) < len(store.names("list/speech", ".parquet")), (
        "parts that can be read are made, others are not"
    )
    resolved = yaml.safe_load(store.read("recipe.yaml"))
    assert resolved["reading"] == ReadSettings().model_dump() and resolved["sources"]["speech"]["missing"] == "fail"
    assert resolved["sources"]["speech"]["limits"] == SpeechLimits().model_dump() and resolved["stages_in_memory"] == 6
    assert json.loads(weft("status", store.url, "--json")[1])["unread"][0]["reason"] == "No such file or directory"
    assert f"source speech: {items} cannot be read now" in weft("status", store.url)[1]
    code, output, _ = weft("audit", store.url)
    assert code == 1 and f"source speech: {items} cannot be read now" in output
    for name in gone:
        (tmp_path / "away" / name).rename(tmp_path / "raw" / name)
    ran(recipe, tmp_path / "corpus")
    assert files(tmp_path / "corpus") == files(tmp_path / "undisturbed")


def reasons(out: Path) -> list[str]:
    store = Store(str(out))
    return [r.reason for name in store.names("rejects/ingest", ".parquet") for r in read_part(store, name, Reject)]


class Server(SimpleHTTPRequestHandler):
    """Serves a folder; `answers` are what it says to the next requests of a path, in their order."""

    root = ""
    answers: dict[str, list[int]] = {}
    asked: list[str] = []

    def translate_path(self, path: str) -> str:
        return f"{self.root}{path}"

    def send_head(self) -> Any:
        self.asked.append(self.path)
        if (codes := self.answers.get(self.path)) and (code := codes.pop(0)):
            self.send_error(code)
            return None
        return super().send_head()

    def log_message(self, *arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    handler = type("Here", (Server,), {"root": str(tmp_path / "raw"), "answers": {}, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        handler.url = f"http://127.0.0.1:{running.server_port}"  # type: ignore[attr-defined]
        yield handler  # type: ignore[misc]
        running.shutdown()


def of_urls(root: Path, server: Any, **settings: str) -> Path:
    lines = [f"{server.url}/{n:02d}.flac\tso" for n in range(12)]
    (root / "urls.tsv").write_text("\n".join(lines))
    return write_recipe(root, use="urls", path=str(root / "urls.tsv"), **settings)


def test_a_server_that_is_busy_for_a_moment_is_asked_again(recipe: Path, tmp_path: Path, server: Any) -> None:
    recipe = of_urls(tmp_path, server)
    ran(recipe, tmp_path / "undisturbed")
    server.answers |= {"/03.flac": [503, 503], "/05.flac": [503]}
    ran(recipe, tmp_path / "corpus")
    assert reasons(tmp_path / "corpus") == []
    assert files(tmp_path / "corpus") == files(tmp_path / "undisturbed")


def test_a_list_of_urls_whose_package_is_not_installed(
    tmp_path: Path, weft: Callable[..., tuple[int, str, str]]
) -> None:
    if importlib.util.find_spec("s3fs"):
        pytest.skip("s3fs is installed here")
    (tmp_path / "urls.tsv").write_text("s3://bucket/a.wav\n")
    recipe = write_recipe(tmp_path, use="urls", path=str(tmp_path / "urls.tsv"))
    code, _, output = weft("build", recipe, "--out", tmp_path / "corpus", "--engine", "local")
    assert code == 2 and "s3://bucket/a.wav: s3:// cannot be read here (Install s3fs to access S3)" in output


def test_six_clips_that_go_before_they_are_encoded(recipe: Path, tmp_path: Path) -> None:
    ran(recipe, tmp_path / "undisturbed")
    (tmp_path / "away").mkdir()
    six = [f"{n:02d}.flac" for n in range(0, 12, 2)]

    def move(event: WorkEvent) -> None:
        if event.node == "models/cepstra":
            for name in six:
                (tmp_path / "raw" / name).rename(tmp_path / "away" / name)

    with pytest.raises(BuildError, match=r"source speech: 6 items cannot be read now"):
        ran(recipe, tmp_path / "corpus", move)
    assert not list((tmp_path / "corpus" / "rejects" / "encode").rglob("*.parquet"))
    for name in six:
        (tmp_path / "away" / name).rename(tmp_path / "raw" / name)
    ran(recipe, tmp_path / "corpus")
    assert files(tmp_path / "corpus") == files(tmp_path / "undisturbed")


def test_a_server_that_stays_busy_fails_the_build_and_no_more(recipe: Path, tmp_path: Path, server: Any) -> None:
    recipe = of_urls(tmp_path, server)
    ran(recipe, tmp_path / "undisturbed")
    server.answers["/03.flac"] = [503] * 99
    with pytest.raises(
        BuildError, match=r"source speech: 1 item cannot be read now(.|\n)*03\.flac: the server answers 503"
    ):
        ran(recipe, tmp_path / "corpus")
    server.answers.clear()
    ran(recipe, tmp_path / "corpus")
    assert files(tmp_path / "corpus") == files(tmp_path / "undisturbed")


@pytest.mark.parametrize(("status", "reason"), [(404, "missing"), (403, "unavailable"), (503, "unavailable")])
def test_what_a_server_does_not_give_is_asked_for_by_every_build(
    recipe: Path, tmp_path: Path, server: Any, status: int, reason: str
) -> None:
    recipe = of_urls(tmp_path, server, missing="reject")
    ran(recipe, tmp_path / "undisturbed")
    server.answers["/03.flac"] = [status] * 99
    recipe = of_urls(tmp_path, server)
    with pytest.raises(BuildError, match=r"1 item cannot be read now(.|\n)*missing=reject"):
        ran(recipe, tmp_path / "corpus")
    recipe = of_urls(tmp_path, server, missing="reject")
    ran(recipe, tmp_path / "corpus")
    assert reasons(tmp_path / "corpus") == [reason]
    server.asked.clear()
    assert again(recipe, tmp_path / "corpus") == [("ingest/speech", ("1 of its items could not be read",))]
    assert "/03.flac" in server.asked and len(set(server.asked)) <= 2, (
        "of the others one, to see that the source is there"
    )
    server.answers.clear()
    ran(recipe, tmp_path / "corpus")
    assert files(tmp_path / "corpus") == files(tmp_path / "undisturbed")
