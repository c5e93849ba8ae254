"""The command line: what it prints, what it exits with, and one sentence for what is wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

COMMANDS = ("align", "demo", "validate", "plan", "build", "status", "audit", "inspect", "train", "merge")


Weft = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def corpus(text_corpus: str) -> str:
    return text_corpus


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(weft: Weft, command: str) -> None:
    code, output, _ = weft(command, "--help")
    assert code == 0 and f"Example: weft {command}" in " ".join(output.split())


WRONG = {
    "no recipe": (("build", "nowhere.yaml", "--out", "c"), "nowhere.yaml: no such recipe file"),
    "no place": (("build", "demo"), "name the folder of the corpus"),
    "no engine": (
        ("build", "demo", "--out", "c", "--engine", "spark"),
        "--engine spark: unknown engine; known: local, ray, auto",
    ),
    "no override": (("validate", "demo", "seed"), "write it as key=value"),
    "no setting": (("validate", "demo", "sources.speech.pth=x"), "sources.speech.pth: no such setting"),
    "no backend": (("validate", "demo", "align.use=oracle"), "align.use"),
    "no speech": (("demo", "--speech", "/nowhere"), "--speech /nowhere: no such folder or manifest"),
    "no corpus": (("audit", "/nowhere"), "/nowhere: no corpus"),
    "no corpus to show": (("status", "/nowhere"), "/nowhere: no corpus"),
    "no corpus to look into": (("inspect", "/nowhere", "key"), "/nowhere: no corpus"),
    "no corpus to train on": (("train", "demo"), "name the corpus, such as --corpus corpus"),
    "no training stage": (("train", "demo", "--corpus", "c", "--stage", "finetune"), "no training stage 'finetune'"),
    "no corpus at all": (("train", "demo", "--corpus", "/nowhere"), "/nowhere: no corpus"),
    "no source": (("plan", "demo"), "set sources.speech.path"),
    "no protocol": (("build", "demo", "--out", "foo://x"), "foo://x: Protocol not known: foo"),
    "no cluster": (("build", "demo", "--out", "c", "--address", "127.0.0.1:1"), "no Ray cluster answers there"),
    "no seed": (("validate", "demo", "seed=-1"), "seed: input should be greater than or equal to 0"),
    "no command": (("bild",), "No such command"),
    "no option": (("build", "demo", "--outt", "c"), "No such option"),
}


@pytest.mark.parametrize(("arguments", "sentence"), WRONG.values(), ids=WRONG)
def test_what_the_user_can_mend_is_reported_with_2(
    weft: Weft, arguments: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, output = weft(*arguments)
    assert code == 2 and sentence in " ".join(output.split()) and "Traceback" not in output
    assert not list(tmp_path.glob("c/*"))


def test_a_wrong_key_is_reported_by_its_line(weft: Weft, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("extends: demo\nseed: 1\nsede: 2\n")
    code, _, output = weft("validate", str(tmp_path / "r.yaml"))
    assert code == 2 and "r.yaml line 3: sede" in output


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: " + "[" * 5000 + "]" * 5000], ids=["in itself", "deep"])
def test_a_recipe_nested_beyond_reading(weft: Weft, tmp_path: Path, text: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    code, _, output = weft("validate", str(tmp_path / "r.yaml"))
    assert code == 2 and "nested too deeply, or holds itself" in output


def test_settings_alone_are_those_of_the_default_backend(weft: Weft, small_corpus: Path) -> None:
    assert weft("validate", str(small_corpus / "recipe.yaml"), "segment.longest=20")[0] == 0


def test_a_file_where_a_folder_is_wanted(weft: Weft, small_corpus: Path) -> None:
    file = str(small_corpus / "a.txt")
    for arguments in (
        ("build", "demo", "--out", file),
        ("audit", file),
        ("train", "demo", "--corpus", "c", "--out", file),
    ):
        code, _, output = weft(*arguments)
        assert code == 2 and "a file is there" in output


def test_a_sound_recipe(weft: Weft) -> None:
    code, output, _ = weft("validate", "demo")
    assert code == 0 and output.startswith("demo: the recipe is valid, with 3 sources and 3 tasks\n")


def test_an_audit_as_json(weft: Weft, corpus: str) -> None:
    code, output, _ = weft("audit", corpus, "--json", "--deep")
    record = json.loads(output)
    assert code == 0 and record["faults"] == []
    assert record["stages"][0]["tasks"][0]["realised"] == 1.0


def test_an_audit_of_a_broken_corpus_exits_with_1(weft: Weft, corpus: str, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "corpus")
    next((tmp_path / "corpus/shards/pretrain").glob("*.tar")).unlink()
    code, output, _ = weft("audit", str(tmp_path / "corpus"))
    assert code == 1 and "is missing; `weft build" in " ".join(output.split())


def test_an_audit_of_an_unfinished_corpus_says_how_to_finish_it(weft: Weft, corpus: str, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "corpus")
    (tmp_path / "corpus/shards/pretrain/index.parquet").unlink()
    code, output, _ = weft("audit", str(tmp_path / "corpus"))
    assert code == 1 and "index.parquet is missing" in " ".join(output.split())


@pytest.mark.parametrize("command", ["audit", "inspect", "train"])
def test_a_broken_table_says_how_to_mend_it(
    weft: Weft, corpus: str, small_corpus: Path, tmp_path: Path, command: str
) -> None:
    shutil.copytree(corpus, tmp_path / "corpus")
    (tmp_path / "corpus/shards/pretrain/index.parquet").write_text("garbage")
    broken = str(tmp_path / "corpus")
    train = (str(small_corpus / "recipe.yaml"), "--corpus", broken, "--out", str(tmp_path / "run"))
    code, shown, output = weft(command, *{"audit": (broken,), "inspect": (broken, ""), "train": train}[command])
    assert code == (2 if command == "inspect" else 1)
    assert "index.parquet" in shown + output and "--verify" in shown + output


def test_status_counts_what_is_done(weft: Weft, corpus: str) -> None:
    code, output, _ = weft("status", corpus)
    rows = [line.strip("│┃ ").split("│") for line in output.splitlines() if line.startswith("│")]
    assert code == 0 and ["compose", "1", "1", "0"] in [[cell.strip() for cell in row] for row in rows]


def test_a_sample_is_shown_as_it_was_written_even_with_markup_in_it(weft: Weft, corpus: str) -> None:
    code, output, _ = weft("inspect", corpus, "")
    assert code == 0 and "[Text]" in output and "[red]what" in output


def test_a_sample_that_is_not_there(weft: Weft, corpus: str) -> None:
    code, _, output = weft("inspect", corpus, "no-such-key")
    assert code == 2 and "no-such-key: no sample of" in output


def test_ctrl_c_says_that_what_is_done_is_kept(weft: Weft, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("weft.jobs.commands.read_pipeline", interrupted)
    code, _, output = weft("validate", "demo")
    assert code == 130 and "finished work is kept" in output


def test_a_recipe_without_training_says_so(weft: Weft, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(f"name: r\nsources: {{s: {{use: folder, path: {tmp_path}}}}}\n")
    code, _, output = weft("train", str(tmp_path / "r.yaml"), "--corpus", str(tmp_path / "c"))
    assert code == 2 and "the recipe has no `training:`" in output


def test_an_audit_of_much_that_is_broken_is_bounded(weft: Weft, corpus: str, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "corpus")
    (tmp_path / "corpus/ledger").rename(tmp_path / "gone")
    for number in range(70):
        (tmp_path / f"corpus/compose/strange-{number}").write_text("")
    code, output, _ = weft("audit", str(tmp_path / "corpus"))
    assert code == 1 and sum(line.startswith("broken:") for line in output.splitlines()) == 51
    assert "more; `--json` has them all" in output


def test_status_as_json(weft: Weft, corpus: str) -> None:
    record = json.loads(weft("status", corpus, "--json")[1])
    assert {"stage": "compose", "parts": 1, "done": 1, "to_do": 0} in record["stages"]


def test_a_plan_with_a_corpus_that_it_would_not_look_at_is_refused(weft: Weft, small_corpus: Path) -> None:
    code, _, output = weft("plan", small_corpus / "recipe.yaml", "--out", "corpus")
    assert code == 2 and "weft plan: --out is for --changes" in output
