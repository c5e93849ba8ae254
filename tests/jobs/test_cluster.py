"""The same build on a running cluster, by address and as a submitted job, with Ray's token authentication on."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


PORT, DASHBOARD, AGENT = free_port(), free_port(), free_port()


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    """A head on this machine and the environment in which its clients run."""
    token = "weft-test-token-" + "0" * 32
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    ray = str(Path(sys.executable).parent / "ray")
    options = [
        f"--port={PORT}",
        f"--dashboard-port={DASHBOARD}",
        f"--dashboard-agent-listen-port={AGENT}",
        "--num-cpus=2",
    ]
    head = subprocess.Popen([ray, "start", "--head", "--block", *options], env=env, stdout=subprocess.DEVNULL)
    try:
        answers(head, [ray, "health-check", "--address", f"127.0.0.1:{PORT}"], env)
        answers(head, [ray, "job", "list", "--address", f"http://127.0.0.1:{DASHBOARD}"], env)
        yield env
    finally:
        head.terminate()  # with --block it takes its own processes along, and no other cluster's
        head.wait(60)


def answers(head: subprocess.Popen[bytes], command: list[str], env: dict[str, str]) -> None:
    """Asks until the head, which has just begun, answers. Each question takes some seconds itself. A head that has ended is not asked
    again.
    """
    for _ in range(60):
        assert head.poll() is None, f"the head has ended with {head.returncode}; /tmp/ray/session_latest/logs says why"
        if subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return
    raise TimeoutError(f"{' '.join(command)} never succeeded")


def shards(corpus: Path) -> dict[str, str]:
    files = [p for p in (corpus / "shards").rglob("*") if p.is_file()]
    return {str(p.relative_to(corpus)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.cluster
def test_address_and_job_submit_give_what_local_gives(
    cluster: dict[str, str], tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    recipe = str(write_recipe(tmp_path / "recipe.yaml"))
    build = [sys.executable, "-m", "weft.jobs.cli", "build", recipe, "--out"]
    subprocess.run([*build, str(tmp_path / "local"), "--engine", "local"], check=True)
    joined = [*build, str(tmp_path / "joined"), "--address", f"127.0.0.1:{PORT}"]
    subprocess.run(joined, env=cluster, timeout=1200, check=True)
    assert shards(tmp_path / "joined") == shards(tmp_path / "local")

    # --no-deps: or the job would compute with whatever torch is newest, and its fingerprints would say so
    wheel = make_wheel(tmp_path / "dist").name
    pip = {"packages": [f"${{RAY_RUNTIME_ENV_CREATE_WORKING_DIR}}/{wheel}"], "pip_install_options": ["--no-deps"]}
    ray = str(Path(sys.executable).parent / "ray")
    submit = [
        ray,
        "job",
        "submit",
        "--address",
        f"http://127.0.0.1:{DASHBOARD}",
        "--working-dir",
        str(tmp_path / "dist"),
    ]
    submit += ["--runtime-env-json", json.dumps({"pip": pip}), "--"]
    command = [*submit, "weft", "build", recipe, "--out", str(tmp_path / "submitted")]
    subprocess.run(command, env=cluster, timeout=1200, cwd=tmp_path, check=True)
    assert shards(tmp_path / "submitted") == shards(tmp_path / "local")


def make_wheel(folder: Path) -> Path:
    """The project's wheel, built from a copy (a build leaves things lying about) with what is installed."""
    made = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "demo", "bench", "__pycache__")
    shutil.copytree(ROOT, folder / "source", ignore=made)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*pip, str(folder / "source")], check=True)
    shutil.rmtree(folder / "source")
    return next(folder.glob("weft-*.whl"))
