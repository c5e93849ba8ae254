"""What an edit of a text file does to a corpus: a document keeps its name and its tar, wherever in the file it comes to stand."""

import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.mixing.plan_files import read_tars
from weft.pipelines.mixing.shards import tar_name
from weft.pipelines.storage.store import Store

Lines = list[str]
Tars = dict[str, bytes]
RECIPE = """name: edited
shards: {{bytes: 20000}}
part_size: {part_size}
sources: {{books: {{use: text, path: {file}, stretch: 1024}}}}
text: {{use: bpe, size: 280, frozen: true}}
tasks: {{text: {{use: text, sources: [books]}}}}
training:
  pretrain:
    mixture: {{total: 1000000, shares: {{text: 1}}, exhausted: stop}}
    context: 64
    model: {{config: {{model_type: llama}}}}
    optimiser: {{lr: 0.001, batch_tokens: 64}}
"""


def line(number: int, words: str = "") -> str:
    return json.dumps({"id": f"d{number}", "text": f"paragraph {number} says what {number * 7919} says {words}" * 4})


LINES = [line(n) for n in range(120)]


@pytest.fixture
def built(tmp_path: Path) -> Callable[[Lines], Tars]:
    """Builds the corpus of these lines, over the last one where there is one."""
    file, recipe, corpus = tmp_path / "t.jsonl", tmp_path / "recipe.yaml", tmp_path / "corpus"
    recipe.write_text(RECIPE.format(file=file, part_size=4))

    def build_with(lines: Lines) -> Tars:
        file.write_text("".join(f"{line}\n" for line in lines))
        store = Store(str(corpus))
        build(read_pipeline(str(recipe)), store, LocalEngine(store), lambda event: None, lambda works: None)
        return {tar.name: store.read(tar_name("pretrain", tar)) for tar in read_tars(store, "pretrain")}

    return build_with


def keys(tars: Tars) -> list[str]:
    """The keys of all samples, as a reader of tars sees them."""
    names: list[str] = []
    for data in tars.values():
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            names += tar.getnames()
    return [name.removesuffix(".json") for name in names if name.endswith(".json")]


def changed(before: Tars, after: Tars) -> set[str]:
    """The tars that differ, but for the last of the leaf."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} - {max(after)}


def test_an_edit_in_the_middle_of_a_file_changes_the_tars_of_what_was_edited(built: Callable[[Lines], Tars]) -> None:
    first = built(LINES)
    longer = built([*LINES[:60], line(999), *LINES[60:]])
    assert len(first) > 8 and len(changed(first, longer)) <= 1
    assert len(set(keys(longer)) - set(keys(first))) == 1 and set(keys(first)) < set(keys(longer))
    edited = built([*LINES[:60], line(999), *LINES[60:90], line(90, "it edits "), *LINES[91:]])
    assert 1 <= len(changed(longer, edited)) <= 2  # where it was, and where it is
    again = built(LINES)
    assert again == first


def test_documents_that_are_alike_have_keys_of_their_own_wherever_they_stand(built: Callable[[Lines], Tars]) -> None:
    tars = built([*LINES, LINES[0], LINES[0], LINES[50]])
    found = keys(tars)
    once = keys(built(LINES))
    assert len(set(found)) == len(found) == len(LINES) + 3 and set(once) < set(found)
    assert Counter(key.rpartition("-")[2] for key in set(found) - set(once)) == {"r1": 2, "r2": 1}


def test_a_document_with_an_id_is_found_by_the_name_of_its_file(
    built: Callable[[Lines], Tars], weft: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    built(LINES)
    code, output, _ = weft("inspect", str(tmp_path / "corpus"), "t.jsonl")
    assert code == 0 and "'path': 't.jsonl#d" in output
