"""The deep audit of one tar: samples one by one and in columns are judged alike."""

from dataclasses import fields, replace
from typing import Any

import pytest

from weft.pipelines.mixing import column_checks, deep
from weft.pipelines.mixing.deep import SampleRules, check_tar
from weft.pipelines.mixing.shards import rows_name
from weft.pipelines.parts.tables import write_part
from weft.pipelines.storage.store import Store
from weft.schemas.sample import Sample, SampleSegment
from weft.schemas.shard import IndexRow
from weft.schemas.tar import BLOCK, END, space

NAME = "shards/pre/train-talk~one-0-00000-00.tar"
RULES = SampleRules(vocabulary=10)
COUNTED = ("-xxxxxx", "xx-xx-x", "-------", "x", "xxxx", "x-", "-x")  # a segment a letter; x counts


def sample(number: int, counted: str) -> Sample:
    kinds = ("text", "speech")
    spans = [
        SampleSegment(
            modality=kinds[n % 2], role="r", begin=2 * n, end=2 * n + 2, start=0.0, stop=1.5, loss=letter == "x"
        )
        for n, letter in enumerate(counted)
    ]
    ids = tuple(n % 10 for n in range(2 * len(counted)))
    return Sample(
        key=f"k-{number}", parent="p", task="talk", source="one", seconds=1.5, ids=ids, segments=tuple(spans), text="a"
    )


def rows_and_bytes() -> tuple[list[IndexRow], bytes]:
    rows, data = [], b""
    for number, counted in enumerate(COUNTED):
        made = sample(number, counted).for_shard()
        values = {f.name: getattr(made, f.name) for f in fields(IndexRow) if hasattr(made, f.name)}
        json = len(data) + BLOCK
        places = {"json_offset": json, "npy_offset": json + space(made.json_length), "flac_offset": 0, "png_offset": 0}
        rows.append(IndexRow(**values, **places, shard=NAME.rpartition("/")[2]))
        data += made.members
    return rows, data


@pytest.fixture
def tar(store: Store) -> tuple[Store, list[IndexRow]]:
    rows, data = rows_and_bytes()
    store.write(NAME, data + END)
    write_part(store, rows_name(NAME), rows, IndexRow, "fingerprint")
    return store, rows


@pytest.fixture(params=["in columns", "one by one"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "one by one":
        monkeypatch.setattr(deep, "is_whole", lambda *_: False)
    return str(request.param)


def test_samples_as_written_have_no_fault(tar: tuple[Store, list[IndexRow]], way: str) -> None:
    assert check_tar(tar[0].url, NAME, RULES) == []


@pytest.mark.parametrize(("vocabulary", "accepted"), [(10, True), (9, False)])
def test_the_check_in_columns_judges_by_itself(
    tar: tuple[Store, list[IndexRow]], monkeypatch: pytest.MonkeyPatch, vocabulary: int, accepted: bool
) -> None:
    """Where it accepts the samples, none is opened by itself."""
    results = []

    def is_whole(*given: Any) -> bool:
        results.append(column_checks.is_whole(*given))
        return results[-1]

    monkeypatch.setattr(deep, "is_whole", is_whole)
    faults = check_tar(tar[0].url, NAME, replace(RULES, vocabulary=vocabulary))
    assert results == [accepted] and bool(faults) != accepted


@pytest.mark.parametrize(
    ("row", "change", "fault"),
    [
        (0, {"loss": (2, 4, 4, 14)}, "its loss ranges"),
        (0, {"loss": (2, 13)}, "its loss ranges"),
        (1, {"loss": (0, 4, 6, 12)}, "its loss ranges"),
        (2, {"loss": (0, 14)}, "its loss ranges"),
        (4, {"loss": ()}, "its loss ranges"),
        (1, {"text_tokens": 7, "speech_tokens": 7}, "its tokens by modality"),
        (3, {"recording": "other"}, "its recording"),
        (3, {"bounds": (1,)}, "its bounds"),
        (3, {"text_hash": "0" * 16}, "its text"),
        (3, {"level": 2}, "its level"),
    ],
)
def test_a_row_that_differs_from_its_sample(
    tar: tuple[Store, list[IndexRow]], way: str, row: int, change: dict[str, Any], fault: str
) -> None:
    store, rows = tar
    rows = [replace(one, **change) if n == row else one for n, one in enumerate(rows)]
    write_part(store, rows_name(NAME), rows, IndexRow, "fingerprint")
    (damage,) = check_tar(store.url, NAME, RULES)
    assert f"k-{row}: {fault}" in str(damage) and "more" not in str(damage)


def test_samples_in_a_folder_for_other_members(store: Store) -> None:
    rows, data = rows_and_bytes()
    name = NAME.replace("pre/", "pre/flac/")
    store.write(name, data + END)
    write_part(store, rows_name(name), rows, IndexRow, "fingerprint")
    (damage,) = check_tar(store.url, name, RULES)
    assert "is damaged: its folder is for samples with other members; `weft build" in str(damage)
