"""The promises, on a whole build: determinism over engines and kills, resume, incremental, conservation, exactness."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.schedule import WorkEvent
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.audit import audit
from weft.pipelines.storage.store import Store

Write = Callable[..., Path]


def run(recipe: Path, out: Path, *overrides: str) -> tuple[Pipeline, list[WorkEvent]]:
    """A local build, and every piece of work it did or kept."""
    pipeline, store = read_pipeline(str(recipe), overrides), Store(str(out))
    events: list[WorkEvent] = []
    build(pipeline, store, LocalEngine(store), events.append, lambda works: None)
    return pipeline, events


def did(events: list[WorkEvent]) -> set[str]:
    return {e.node for e in events if e.what == "done"}


def shards(out: Path) -> dict[str, str]:
    """Every file of the shards by its digest."""
    root = out / "shards"
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()
    }


def command(recipe: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "weft.jobs.cli", "build", str(recipe), "--out", str(out), *more]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Path:
    """A folder with `recipe.yaml` and an uninterrupted local build of it in `corpus`."""
    return tmp_path_factory.mktemp("whole")


@pytest.fixture
def built(whole: Path, write_recipe: Write) -> Path:
    if not (whole / "corpus").exists():
        run(write_recipe(whole / "recipe.yaml"), whole / "corpus")
    return whole


def test_the_ledger_adds_up_and_the_mixture_is_exact(built: Path) -> None:
    pipeline = read_pipeline(str(built / "recipe.yaml"))
    report = audit(Store(str(built / "corpus")), pipeline, deep=True)
    assert report.faults == ()
    for task in report.stages[0].tasks:
        assert task.worst <= task.sample and task.samples > 0


def test_a_second_build_does_nothing(built: Path) -> None:
    before = shards(built / "corpus")
    _, events = run(built / "recipe.yaml", built / "corpus")
    assert did(events) == set() and shards(built / "corpus") == before


def test_a_changed_setting_reruns_only_what_depends_on_it(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "corpus", tmp_path / "corpus")
    _, events = run(built / "recipe.yaml", tmp_path / "corpus", "tasks.words.text_words=[2, 5]")
    stages = {node.split("/")[0] for node in did(events)}
    assert {n for n in did(events) if n.startswith("compose")} == {
        n for n in did(events) if n.startswith("compose/words/")
    }
    assert stages == {"compose", "order", "plan", "shards", "index"}


def test_one_edited_dialogue_reruns_one_part_and_rewrites_only_the_shards_that_hold_it(
    tmp_path: Path, material: Path, write_recipe: Write
) -> None:
    script = tmp_path / "script.jsonl"
    output = [f"we went out to the old market number {n} again" for n in range(32)]
    write_script(script, output)
    sources = {
        "speech": {"use": "folder", "path": str(material / "raw")},
        "dialogues": {"use": "script", "path": str(script)},
        "books": {"use": "text", "path": str(material / "books"), "documents": "paragraph"},
    }
    recipe = write_recipe(tmp_path / "recipe.yaml", sources=sources, shards={"bytes": 10000})
    pipeline, _ = run(recipe, tmp_path / "corpus")
    before = shards(tmp_path / "corpus")
    write_script(script, [*output[:3], "we went out to the new market number three again", *output[4:]])
    _, events = run(recipe, tmp_path / "corpus")
    nodes = [e.node for e in events if e.what == "done"]
    assert nodes.count("synthesize/dialogues") == nodes.count("align/dialogues") == 1
    assert not any(node.startswith("models") or node == "vocabulary" for node in nodes)
    after = shards(tmp_path / "corpus")
    tars = {name for name in before | after if name.endswith(".tar")}
    changed = {name for name in tars if before.get(name) != after.get(name)}
    holding = {name for name in tars & after.keys() if b"d3-" in (tmp_path / "corpus/shards" / name).read_bytes()}
    # a task's last tar ends where its budget does, so it may gain or lose a sample, its only one too
    assert holding <= changed and len(changed - holding) <= len(pipeline.tasks) and changed < tars


def write_script(path: Path, output: list[str]) -> None:
    turns = [[{"speaker": "a", "text": text, "emotion": "happy", "level": 2}] for text in output]
    path.write_text("\n".join(json.dumps({"id": f"d{n}", "turns": t}) for n, t in enumerate(turns)))


@pytest.mark.slow
def test_ray_gives_what_local_gives_with_one_worker_or_two(built: Path, tmp_path: Path) -> None:
    for workers in ("1", "2"):
        out = tmp_path / workers
        subprocess.run(command(built / "recipe.yaml", out, "--engine", "ray", "--workers", workers), check=True)
        assert shards(out) == shards(built / "corpus")


@pytest.mark.nodes  # three minutes
def test_a_killed_driver_or_worker_leaves_a_corpus_that_goes_on_to_the_same_bytes(built: Path, tmp_path: Path) -> None:
    chance = random.Random(11)
    out = tmp_path / "corpus"
    for moment in range(10):
        build_until_killed(built / "recipe.yaml", out, chance.uniform(3, 16), worker=moment % 2 == 1)
    subprocess.run(command(built / "recipe.yaml", out, "--engine", "ray"), check=True)
    assert shards(out) == shards(built / "corpus")


def build_until_killed(recipe: Path, out: Path, seconds: float, worker: bool) -> None:
    """Starts a build on Ray and kills the driver, or one of its workers, after a while, unless it ended before."""
    running = subprocess.Popen(command(recipe, out, "--engine", "ray"), start_new_session=True)
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        victim = worker_of(running.pid) if worker else running.pid
        if victim:
            os.kill(victim, signal.SIGKILL)
        if worker:
            assert running.wait(300) == 0
    finally:
        stop_all(running)


def worker_of(driver: int) -> int | None:
    """A process of the driver's session that runs one of our actors."""
    for name in os.listdir("/proc"):
        try:
            if (
                name.isdigit()
                and os.getsid(int(name)) == driver
                and b"_Worker" in Path("/proc", name, "cmdline").read_bytes()
            ):
                return int(name)
        except OSError:
            continue
    return None


def stop_all(running: subprocess.Popen[bytes]) -> None:
    """Ray's own processes outlive a killed driver for a while."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(running.pid, signal.SIGKILL)
        except ProcessLookupError:
            break
    running.wait()
