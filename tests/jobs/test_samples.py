"""Samples in the terminal: by key, by file, or as a list with filters and a limit."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from weft.jobs.samples import find_where
from weft.pipelines.mixing.shards import index_name
from weft.pipelines.storage.checksums import BLANK, KEY, add_checksums_to
from weft.pipelines.storage.store import Store

Weft = Callable[..., tuple[int, str, str]]


def test_a_list_has_keys_and_texts_and_says_how_many_more(weft: Weft, text_corpus: str) -> None:
    code, output, _ = weft("inspect", text_corpus, "--list", "--limit", "2")
    assert code == 0 and "paragraph" in output and "[red]what" in output and "… and " in output
    listed = json.loads(weft("inspect", text_corpus, "--list", "--limit", "2", "--json")[1])
    assert len(listed) == 2 and all(row["key"] in output.replace("\n", "") for row in listed)
    assert {"stage": "pretrain", "task": "text", "source": "books"}.items() <= listed[0].items()


def test_every_sample_is_listed_once(weft: Weft, text_corpus: str) -> None:
    keys = [row["key"] for row in json.loads(weft("inspect", text_corpus, "--list", "--limit", "0", "--json")[1])]
    assert len(keys) == len(set(keys)) > 2


def test_filters_let_pass_what_they_name(weft: Weft, text_corpus: str) -> None:
    every = weft("inspect", text_corpus, "--list", "--json")[1]
    assert weft("inspect", text_corpus, "--list", "--json", "--task", "text", "--source", "books")[1] == every
    assert json.loads(weft("inspect", text_corpus, "--list", "--json", "--speaker", "nobody")[1]) == []


@pytest.mark.parametrize("option", ["task", "source", "stage"])
def test_a_filter_that_names_nothing_says_what_there_is(weft: Weft, text_corpus: str, option: str) -> None:
    code, _, output = weft("inspect", text_corpus, "--list", f"--{option}", "none")
    assert code == 2 and f"--{option} none: the corpus has no such {option}; known: " in output


def test_a_sample_is_found_by_the_name_of_its_file(weft: Weft, text_corpus: str, small_corpus: Path) -> None:
    for name in ("a.txt", str(small_corpus / "a.txt")):
        code, output, _ = weft("inspect", text_corpus, name)
        assert code == 0 and "'path': 'a.txt'" in output
    assert weft("inspect", text_corpus, "b.txt")[0] == 2


def test_no_sample_of_a_known_name_is_a_sentence(weft: Weft, text_corpus: str) -> None:
    code, output, _ = weft("inspect", text_corpus, "--list", "--speaker", "nobody")
    assert code == 0 and output == "no sample matches; `weft rejects` may say why\n"


def test_a_sample_as_json_has_its_spans_decoded(weft: Weft, text_corpus: str) -> None:
    code, output, _ = weft("inspect", text_corpus, "a-", "--json")
    sample = json.loads(output)
    assert code == 0 and sample["stage"] == "pretrain" and sample["task"] == "text" and sample["text"]
    assert [segment["decoded"] for segment in sample["segments"]] == ["<s>", "[Text]", sample["text"]]
    assert sample["segments"][-1]["end"] == sample["tokens"] and sample["shard"].endswith(".tar")


def test_an_index_of_another_version_is_a_sentence(weft: Weft, text_corpus: str, tmp_path: Path) -> None:
    shutil.copytree(text_corpus, tmp_path / "corpus")
    index = tmp_path / "corpus" / index_name("pretrain")
    table = pq.read_table(index).drop_columns(["level"]).replace_schema_metadata(None)
    with pq.ParquetWriter(index, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({KEY: BLANK})
    add_checksums_to(str(index))
    code, _, errors = weft("inspect", tmp_path / "corpus", "--list")
    assert code == 2 and "has no column 'level', as another version of weft wrote it; `weft build " in errors


def test_neither_a_key_nor_a_list_says_what_to_do(weft: Weft, text_corpus: str) -> None:
    code, _, output = weft("inspect", text_corpus)
    assert code == 2 and f"weft inspect {text_corpus} --list" in output


def test_the_first_sample_of_a_kind(text_corpus: str) -> None:
    store = Store(text_corpus)
    found = find_where(store, "pretrain", lambda row: row.text_tokens > 0)
    assert found is not None and found.task == "text"
    assert find_where(store, "pretrain", lambda row: row.speech_tokens > 0) is None
