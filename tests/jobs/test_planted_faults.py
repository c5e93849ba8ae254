"""Faults planted in every kind of file that a corpus keeps beside its tars: each is named, and each is mended.

A way to do harm is done to every kind of file at once, each in a folder of its own: the audit must name every one of
them, and one build must give back the bytes of the corpus as it was. Training is not done again here: what it made is
handed back, as the same training makes the same files (`test_promises.py`).
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.jobs.planting import (
    audit_faults,
    backwards,
    content,
    cut,
    emptied,
    flipped,
    flipped_fingerprint,
    flipped_first,
    flipped_footer,
    flipped_magic,
    flipped_page,
    garbage,
    longer,
    replace_bytes,
    run,
    shorter,
)  # fmt: skip
from weft.jobs.building import build_corpus
from weft.jobs.commands import open_corpus, read_pipeline
from weft.pipelines.parts.tables import footer_of, read_table, table_digest, write_table
from weft.pipelines.storage.footer import Footer
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError

pytestmark = [pytest.mark.usefixtures("trained"), pytest.mark.faults]

FOLDERS = (
    "list/speech", "ingest/speech", "ingest/books", "synthesize/dialogues", "segment/speech", "align/speech", "encode/pitch/speech",
    "compose/words/pass-0/speech", "compose/text/pass-0/books",
)  # fmt: skip
COMPANIONS = ("rejects/ingest/broken", "rejects/align/broken", "ledger/ingest/broken", "ledger/segment/dialogues")
MODELS = (
    ("models/pitch/model.safetensors", "aligner/acoustic.safetensors", "vocabulary/tokenizer.json"),
    ("models/pitch/card.json", "aligner/phones.json", "vocabulary/vocabulary.json"),
    ("models/pitch/model.json", "aligner/model.json", "vocabulary/model.json"),
    ("models/pitch/fingerprint", "aligner/fingerprint", "vocabulary/fingerprint"),
)
AUDIO = "synthesize/dialogues/part-00000.bin"


def named(store: Store, names: tuple[str, ...], deep: bool) -> None:
    """Each file is in a message, with the command that mends it: what is missing is made by any build."""
    faults = audit_faults(store, deep)
    for name in names:
        damaged = any(name in fault and "--verify` makes it anew" in fault for fault in faults)
        unmade = any(name in fault and f"--out {store.root}` makes it" in fault for fault in faults)
        assert (damaged or unmade) if store.exists(name) else unmade, (name, faults)


# What is done to the rows of a part, its footer kept as it was.


def other_rows(table: pa.Table) -> pa.Table:
    """As many rows, of which the first column of texts or numbers has other values."""
    for at, column in enumerate(table.schema):
        values = table.column(at).to_pylist()
        if pa.types.is_string(column.type):
            return table.set_column(at, column, pa.array([value + "x" for value in values], column.type))
    raise AssertionError(table.schema)


def row_more(table: pa.Table) -> pa.Table:
    more = table.slice(0, 1) if len(table) else pa.Table.from_pylist([dict.fromkeys(table.schema.names)], table.schema)
    return pa.concat_tables([table, more])


def row_fewer(table: pa.Table) -> pa.Table:
    return table.slice(1)


def replace_rows(store: Store, name: str, change: Callable[[pa.Table], pa.Table], digest: str = "") -> None:
    stamp, table = footer_of(store, name), read_table(store, name).replace_schema_metadata(None)
    assert stamp
    write_table(store, name, change(table), Footer(stamp.fingerprint, digest or stamp.digest, stamp.notes))


def of_another_corpus(store: Store, name: str) -> None:
    """A part that is sound in itself, of other rows and made from something else."""
    table = read_table(store, name).replace_schema_metadata(None)
    other = row_more(table)
    write_table(store, name, other, Footer("another fingerprint", table_digest(other), {"parts": "2"}))


def parts(store: Store, *folders: str) -> tuple[str, ...]:
    """The first part of each folder that has rows."""
    return tuple(
        next(n for n in store.names(f) if n.endswith("t") and pq.read_metadata(store.path(n)).num_rows) for f in folders
    )


def test_nothing_is_found_in_the_good_corpus_and_a_verifying_build_leaves_it_as_it_is(
    good: Path, corpus: Store
) -> None:
    assert audit_faults(corpus, deep=False) == audit_faults(corpus, deep=True) == []
    assert run(good / "recipe.yaml", Path(corpus.root), verify=True) == []
    assert content(corpus.root) == content(good / "corpus")


def test_parts_that_are_missing_are_made_by_a_build(good: Path, corpus: Store) -> None:
    names = parts(corpus, *FOLDERS, *COMPANIONS)
    for name in names:
        corpus.remove(name)
    named(corpus, names, deep=False)
    run(good / "recipe.yaml", Path(corpus.root))
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize(
    "harm",
    [emptied, cut, shorter, longer, garbage, flipped_footer, flipped_fingerprint, flipped_magic],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("folders", [FOLDERS, COMPANIONS], ids=["parts", "companions"])
def test_parts_that_cannot_be_opened(
    good: Path, corpus: Store, folders: tuple[str, ...], harm: Callable[[bytes], bytes]
) -> None:
    names = parts(corpus, *folders)
    for name in names:
        replace_bytes(corpus, name, harm)
    named(corpus, names, deep=False)
    same_size = folders is COMPANIONS and harm.__name__.startswith("flipped")  # a build looks at their size alone
    run(good / "recipe.yaml", Path(corpus.root), verify=same_size)
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize("harm", [flipped_page, other_rows, row_more, row_fewer], ids=lambda f: f.__name__)
def test_parts_of_other_content_are_found_by_a_deep_audit_and_mended_by_a_verifying_build(
    good: Path, corpus: Store, harm: Callable
) -> None:
    names = parts(corpus, *FOLDERS, *COMPANIONS)
    for name in names:
        (replace_bytes if harm is flipped_page else replace_rows)(corpus, name, harm)
    named(corpus, names, deep=True)
    found = run(Path(corpus.path("recipe.yaml")), Path(corpus.root), verify=True)  # by the command that the audit names
    assert {damage.name for damage in found} >= set(names)
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize("harm", [row_more, row_fewer], ids=lambda f: f.__name__)
def test_rows_that_the_ledger_does_not_count_are_found_without_a_deep_audit(corpus: Store, harm: Callable) -> None:
    names = parts(corpus, *FOLDERS[1:], *COMPANIONS)
    for name in names:
        replace_rows(corpus, name, harm)
    named(corpus, names, deep=False)


@pytest.mark.parametrize("folder", [*FOLDERS, *COMPANIONS])
def test_a_part_of_another_corpus(good: Path, corpus: Store, folder: str) -> None:
    (name,) = parts(corpus, folder)
    of_another_corpus(corpus, name)
    named(corpus, (name,), deep=False)
    run(Path(corpus.path("recipe.yaml")), Path(corpus.root), verify=True)
    assert content(corpus.root) == content(good / "corpus")


def test_parts_that_changed_places(good: Path, corpus: Store) -> None:
    folders = ("list/speech", "ingest/speech", "segment/speech", "align/speech", "ledger/ingest/speech")
    names = tuple(f"{folder}/part-0000{number}.parquet" for folder in folders for number in (0, 1))
    for one, other in zip(names[::2], names[1::2], strict=True):
        first, second = corpus.read(one), corpus.read(other)
        corpus.write(one, second)
        corpus.write(other, first)
    named(corpus, names, deep=False)
    run(good / "recipe.yaml", Path(corpus.root))
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize(
    "harm", [None, emptied, cut, shorter, longer, flipped, backwards], ids=lambda f: f.__name__ if f else "missing"
)
def test_audio_that_stages_made(good: Path, corpus: Store, harm: Callable[[bytes], bytes] | None) -> None:
    if harm:
        replace_bytes(corpus, AUDIO, harm)
    else:
        corpus.remove(AUDIO)
    same_size = harm in (flipped, backwards)
    named(corpus, (AUDIO,), deep=same_size)
    run(good / "recipe.yaml", Path(corpus.root), verify=same_size)
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize("names", MODELS, ids=lambda names: names[0].rpartition("/")[2])
@pytest.mark.parametrize(
    "harm", [None, emptied, cut, longer, flipped, flipped_first], ids=lambda f: f.__name__ if f else "missing"
)
def test_models_and_the_vocabulary(
    good: Path, corpus: Store, names: tuple[str, ...], harm: Callable[[bytes], bytes] | None
) -> None:
    for name in names:
        if harm:
            replace_bytes(corpus, name, harm)
        else:
            corpus.remove(name)
    same_size = harm in (flipped, flipped_first)
    named(corpus, names, deep=same_size)
    run(good / "recipe.yaml", Path(corpus.root), verify=same_size)
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize("harm", [emptied, cut, longer, flipped, flipped_first], ids=lambda f: f.__name__)
def test_the_resolved_recipe(good: Path, corpus: Store, harm: Callable[[bytes], bytes]) -> None:
    replace_bytes(corpus, "recipe.yaml", harm)
    with pytest.raises(RecipeError, match=r"recipe.yaml is damaged or was edited; `weft build RECIPE --out .*corpus`"):
        open_corpus(corpus.url)
    run(good / "recipe.yaml", Path(corpus.root))
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize(
    "folders",
    [
        ("ledger",), ("rejects",), ("list",), ("list/speech",), ("ledger/align/speech", "align/speech", "rejects/align/speech"),
        ("models",), ("aligner",), ("vocabulary",), ("synthesize", "ledger/synthesize", "rejects/synthesize"),
    ],
    ids=lambda folders: folders[0],
)  # fmt: skip
def test_whole_folders_that_are_gone(good: Path, corpus: Store, folders: tuple[str, ...]) -> None:
    gone = tuple(name for folder in folders for name in corpus.names(folder))
    for folder in folders:
        shutil.rmtree(corpus.path(folder))
    faults = "\n".join(audit_faults(corpus, deep=False))
    missing = [name for name in gone if f"{name} is missing" not in faults]
    assert not [name for name in missing if name.endswith(".parquet")] and len(missing) < len(gone), missing
    run(good / "recipe.yaml", Path(corpus.root))
    assert content(corpus.root) == content(good / "corpus")


def test_a_corpus_below_a_folder_whose_name_looks_like_a_scratch_file(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good / "corpus", tmp_path / "x.tmp-1" / "corpus", copy_function=os.link)
    store = Store(str(tmp_path / "x.tmp-1" / "corpus"))
    assert audit_faults(store, deep=False) == []
    names = parts(store, "segment/speech")
    store.remove(names[0])
    named(store, names, deep=False)


def test_a_damaged_part_that_a_build_must_read_is_made_again(
    good: Path, corpus: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    part, segments, codes = parts(corpus, "ingest/speech", "segment/speech", "encode/pitch/speech")
    replace_bytes(corpus, part, flipped_page)
    replace_bytes(corpus, "models/pitch/model.safetensors", flipped)
    for name in (part.replace("ingest", "segment"), segments, codes):
        corpus.remove(name)
    build_corpus(read_pipeline(str(good / "recipe.yaml")), corpus.root, "local", None, None)
    output = capsys.readouterr().out
    assert f"{part} is damaged" in output and "models/pitch/model.safetensors has another checksum" in output
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize("harm", [emptied, cut, shorter, longer, flipped, flipped_first, backwards])
@pytest.mark.parametrize("name", ["list/speech/location.json", "corpus.json"])
def test_a_note_of_other_bytes(good: Path, corpus: Store, name: str, harm: Callable[[bytes], bytes]) -> None:
    replace_bytes(corpus, name, harm)
    named(corpus, [name], deep=False)
    run(good / "recipe.yaml", Path(corpus.root), verify=True)
    assert content(corpus.root) == content(good / "corpus")


@pytest.mark.parametrize("name", ["list/speech/location.json", "corpus.json"])
def test_a_note_that_was_removed(good: Path, corpus: Store, name: str) -> None:
    corpus.remove(name)
    named(corpus, [name], deep=False)
    run(good / "recipe.yaml", Path(corpus.root))
    assert content(corpus.root) == content(good / "corpus")


def test_files_that_nothing_makes_are_reported(corpus: Store) -> None:
    corpus.write("align/gone/part-00000.parquet", b"old")
    corpus.write("vocabulary/added_tokens.json", b"{}")
    faults = "\n".join(audit_faults(corpus, deep=False))
    assert "align/gone/part-00000.parquet is no part of this corpus" in faults
    assert "vocabulary/added_tokens.json is no file of this model: move it away" in faults
