"""Lists are read within limits; what cannot be read of one is a reject that names the file and the limit."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from weft.pipelines.sources import kaldi, lhotse, manifest, script, urls
from weft.pipelines.sources.common import lists
from weft.pipelines.sources.common.lists import numbered_lines, whole_list
from weft.schemas.ledger import Unusable


@pytest.fixture(autouse=True)
def small_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in {"_SLACK": 100_000, "EXPANSION": 50}.items():
        monkeypatch.setattr(lists, name, limit)


def shown(path: Path) -> list[str]:
    return [line.detail if isinstance(line, Unusable) else line for _, line in numbered_lines(str(path), 2000)]


@pytest.mark.parametrize("ending", ["txt", "txt.gz"])
def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path, ending: str) -> None:
    data = f"one\n{'x' * 2000}\n{'x' * 2001}\n\n{'y' * 9000}\nlast".encode()
    (path := tmp_path / f"a.{ending}").write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    assert shown(path) == [
        "one\n", "x" * 2000 + "\n", f"a.{ending} line 3 has more than 2,000 characters",
        f"a.{ending} line 5 has more than 2,000 characters", "last",
    ]  # fmt: skip


@pytest.mark.parametrize("unfolded", [b"\0" * 3_000_000, b"\n" * 3_000_000, b"{}\n" * 1_000_000])
def test_a_bomb_ends_the_list(tmp_path: Path, unfolded: bytes) -> None:
    """However it unfolds: into one line, into empty ones, or into many."""
    (path := tmp_path / "cuts.jsonl.gz").write_bytes(gzip.compress(b"{}\n" + unfolded))
    assert shown(path)[-1] == "cuts.jsonl.gz expands to more than 50 times its size"


@pytest.mark.parametrize("ending", ["json", "json.gz"])
@pytest.mark.parametrize("length", [5000, 5001])
def test_a_list_that_is_one_value(tmp_path: Path, ending: str, length: int) -> None:
    data = json.dumps(["x" * (length - 4)]).encode()
    (path := tmp_path / f"cuts.{ending}").write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    if length == 5000:
        assert len(whole_list(str(path), 5000)) == 5000
        return
    with pytest.raises(Unusable, match=rf"cuts\.{ending} has more than 5,000 characters; write it as \.jsonl"):
        whole_list(str(path), 5000)


@pytest.mark.parametrize(
    ("source", "name"),
    [(manifest, "a.jsonl"), (manifest, "a.jsonl.gz"), (lhotse, "cuts.jsonl"), (lhotse, "cuts.json.gz"), (urls, "a.txt"),
     (script, "a.jsonl")],
)  # fmt: skip
def test_every_list_says_what_of_it_is_too_long(tmp_path: Path, ingested: Callable, source: object, name: str) -> None:
    table = {} if source is script else {"table": 5000}
    limit = 5000 if ".json." in f"{name}." and "jsonl" not in name else 2000
    data = json.dumps(["x" * 9000]).encode()
    (path := tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    _, (reject,) = ingested(source.Source(path=str(path), limits={"line": 2000, **table}))  # type: ignore[attr-defined]
    assert reject.reason == "too_long" and name in reject.detail
    assert f"more than {limit:,} characters" in reject.detail
    _, (other,) = ingested(source.Source(path=str(path)))  # type: ignore[attr-defined]
    assert other.reason != "too_long"


def test_a_table_that_is_no_table_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "wav.scp").write_text("r1 /data/a.wav\n" + "x" * 9000)
    with pytest.raises(Unusable, match=r"wav\.scp line 2 has more than 2,000 characters"):
        list(kaldi.Source(path=str(tmp_path), limits={"line": 2000}).items("speech"))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda data: data[:-12], "a.jsonl.gz: it breaks off"),
        (lambda data: data[:-8] + bytes(4) + data[-4:], "a.jsonl.gz: its checksum is wrong"),
        (lambda data: data[:10] + b"\xff" * 20 + data[30:], "a.jsonl.gz: what it holds is no gzip, or was changed"),
        (lambda data: b"plain text", "a.jsonl.gz: what it holds is no gzip, or was changed"),
    ],
    ids=range(4),
)
def test_what_is_wrong_with_a_gzip_is_reported_in_words(
    tmp_path: Path, harm: Callable[[bytes], bytes], words: str
) -> None:
    data = gzip.compress(b"".join(b"%d\n" % n for n in range(1000)))
    (tmp_path / "a.jsonl.gz").write_bytes(harm(data))
    *_, (_, fault) = numbered_lines(str(tmp_path / "a.jsonl.gz"), 2000)
    assert isinstance(fault, Unusable) and (fault.reason, fault.detail) == ("broken_gzip", words)


FIVE = {"faults_in_a_row": 5}
CUT = '{"id": "a", "recording": {"id": "r", "sources": [{"type": "file", "source": "a.wav"}]}}'


@pytest.mark.parametrize(
    ("source", "good", "bad"),
    [
        (lhotse.Source, CUT, '{"a": 1}'),
        (manifest.Source, '{"audio": "a.wav"}', '{"a": 1}'),
        (script.Source, '{"turns": [{"text": "and so"}]}', '{"a": 1}'),
        (urls.Source, "https://host/a.wav", "a.wav"),
    ],
    ids=["lhotse", "manifest", "script", "urls"],
)
def test_a_list_of_wrong_entries_alone_is_read_no_further(tmp_path: Path, source: type, good: str, bad: str) -> None:
    """A few kilobytes of .gz hold millions of lines."""
    lines = [good, *[bad] * 4, good, *[bad] * 900, good]
    (tmp_path / "cuts.jsonl").write_text("".join(f"{line}\n" for line in lines))
    items = list(source(path=str(tmp_path / "cuts.jsonl"), limits=FIVE).items("s"))
    ends = [item for item in items if "too_many_faults" in item.payload]
    assert len(ends) == 1 and "cuts.jsonl: 5 entries in a row cannot be used; it is read no further" in ends[0].payload
    assert len(items) <= 12


def test_so_is_a_list_of_cuts_that_is_one_json_value(tmp_path: Path) -> None:
    (tmp_path / "cuts.json").write_text(json.dumps([json.loads(CUT), *[{"a": 1}] * 900]))
    items = list(lhotse.Source(path=str(tmp_path / "cuts.json"), limits=FIVE).items("s"))
    assert len(items) == 7 and sum("too_many_faults" in item.payload for item in items) == 1


def test_lines_that_are_too_long_are_wrong_entries_too(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text(f"{'x' * 2000}\n" * 900)
    items = list(manifest.Source(path=str(tmp_path / "m.jsonl"), limits={"line": 1024, **FIVE}).items("s"))
    assert len(items) == 6 and "too_many_faults" in items[-1].payload


@pytest.mark.parametrize(
    ("table", "lines", "names"),
    [
        ("wav.scp", [f"rec-{n}" for n in range(900)], [f"rec-{n}" for n in range(5)]),
        ("segments", [f"utt-{n} other-{n} 0.0 1.0" for n in range(900)], ["rec", *(f"other-{n}" for n in range(5))]),
    ],
)
def test_so_is_a_table_of_kaldi(tmp_path: Path, table: str, lines: list[str], names: list[str]) -> None:
    """Each of the entries in a row is listed, and then the fault."""
    (tmp_path / "wav.scp").write_text("rec a.wav\n")
    (tmp_path / table).write_text("".join(f"{line}\n" for line in lines))
    items = list(kaldi.Source(path=str(tmp_path), limits=FIVE).items("s"))
    assert [item.path for item in items] == [*names, table]
    assert f"{table}: 5 entries in a row cannot be used" in items[-1].payload


def test_wrong_entries_between_good_ones_are_rejects_of_their_own(tmp_path: Path) -> None:
    lines = [line for n in range(20) for line in ({"audio": f"{n}.wav"}, *[{"a": n}] * 4)]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(list(manifest.Source(path=str(tmp_path / "m.jsonl"), limits=FIVE).items("s"))) == 100
