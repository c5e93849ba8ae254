"""What a build may touch, from the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from weft.jobs.build import remove_stale
from weft.jobs.commands import read_pipeline
from weft.pipelines.corpus.expected import Expected
from weft.pipelines.corpus.saved_pipeline import with_checksum
from weft.pipelines.corpus.verify import unknown_files
from weft.pipelines.storage.lock import Lock
from weft.pipelines.storage.store import Store

Run = Callable[..., tuple[int, str, str]]


def test_a_folder_with_files_of_its_own_is_refused(
    weft: Run, write_recipe: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "papers" / "align").mkdir(parents=True)
    (tmp_path / "papers" / "align" / "thesis.txt").write_text("mine")
    code, _, output = weft(
        "build", write_recipe(tmp_path / "r.yaml"), "--out", tmp_path / "papers", "--engine", "local"
    )
    assert code == 2 and "holds other files, such as 'align'" in output and len(output.splitlines()) == 1
    assert [p.name for p in (tmp_path / "papers").rglob("*")] == ["align", "thesis.txt"]


def test_a_second_build_says_who_holds_the_corpus(weft: Run, write_recipe: Callable[..., Path], tmp_path: Path) -> None:
    with Lock(Store(str(tmp_path / "corpus"))):
        recipe = write_recipe(tmp_path / "r.yaml")
        code, _, output = weft("build", recipe, "--out", tmp_path / "corpus", "--engine", "local")
    assert code == 1 and "another build holds this corpus (process " in output and " since " in output


def test_tidying_keeps_what_weft_did_not_make(write_recipe: Callable[..., Path], tmp_path: Path) -> None:
    store, pipeline = (
        Store(str(tmp_path / "corpus")),
        read_pipeline(str(write_recipe(tmp_path / "r.yaml", training={}))),
    )
    mine = ["align/notes.txt", "rejects/seen.csv", "order/words/mine.parquet", "encode/hubert/speech/plot.png"]
    stale = ["align/gone/part-00000.parquet", "rejects/align/gone/part-00000.parquet", "synthesize/gone/part-00000.bin"]
    for name in mine + stale:
        store.write(name, b"x")
    remove_stale(pipeline, store, [])
    assert [n for n in mine if not store.exists(n)] == []
    assert [n for n in stale if store.exists(n)] == []
    assert "align/notes.txt is no part of this corpus: move it away" in list(
        unknown_files(store, Expected.of(store, pipeline))
    )


@pytest.mark.parametrize("command", ["build", "status", "audit", "rejects", "inspect", "train", "plan"])
def test_a_corpus_of_an_older_format_is_refused_in_one_sentence(
    weft: Run, write_recipe: Callable[..., Path], tmp_path: Path, command: str
) -> None:
    corpus, recipe = Store(str(tmp_path / "corpus")), write_recipe(tmp_path / "r.yaml")
    corpus.write("corpus.json", b'{"format": 1}\n')
    corpus.write("recipe.yaml", with_checksum(recipe.read_text()))
    given = {"build": [recipe, "--out", corpus.root, "--engine", "local"], "inspect": [corpus.root, "--list"]}
    given |= {
        "train": [recipe, "--corpus", corpus.root, "--out", tmp_path / "run"],
        "plan": [recipe, "--changes", "--out", corpus.root],
    }
    code, _, output = weft(command, *given.get(command, [corpus.root]))
    assert code == 2 and len(output.splitlines()) == 1
    assert "this corpus has format 1, and this version of weft needs 2; build it anew in another folder" in output
