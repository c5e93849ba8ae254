"""WebDataset tars, read in place."""

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from weft.pipelines.audio.scan import scan
from weft.pipelines.sources.tars import Source, samples
from weft.pipelines.storage.store import Store
from weft.pipelines.timings import ctm, wordjson

CTM = b"x 1 0.1 0.4 and\nx 1 0.5 0.4 then\n"


def write(path: Path, members: Sequence[tuple[str, bytes]]) -> str:
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return str(path)


def test_members_of_a_key_are_a_recording(tmp_path: Path, ingested: Callable, clip: bytes, store: Store) -> None:
    fields = {"text": "not so", "speaker_id": 7, "license": "CC0", "lang": "cy", "split": "dev"}
    path = write(
        tmp_path / "a.tar",
        [("d/x.flac", clip), ("d/x.txt", b"and then\n"), ("y.json", json.dumps(fields).encode()), ("y.FLAC", clip),
         ("z.flac", clip), ("z.ctm", CTM), ("zz.flac", clip), ("zz.words.json", wordjson.write(ctm.read(CTM)))],
    )  # fmt: skip
    (x, y, z, zz), rejects = ingested(Source(path=path))
    assert not rejects
    assert (x.path, x.text, x.seconds) == ("a.tar/d/x", "and then", 2.0)
    assert (y.text, y.speaker, y.licence, y.language, y.split) == ("not so", "7", "CC0", "cy", "dev")
    assert [w.text for w in z.words] == ["and", "then"]
    assert [w.text for one in zz.supervisions for w in one.words] == ["and", "then"]
    assert scan(store, x.audio).sha256 == x.sha256  # by offset and length, from the tar itself
    assert {r.audio.uri for r in (x, y, z, zz)} == {path}


def test_what_is_wrong_within_a_tar_costs_that_sample_alone(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    write(
        tmp_path / "a.tar",
        [("a.txt", b"no audio"), ("b.flac", clip), ("b.wav", clip), ("c.flac", clip[:400]), ("d.flac", clip), ("d.txt", b"\xff"),
         ("e.flac", clip), ("f.flac", clip), ("e.flac", clip), ("../../g.flac", clip), ("h.flac", clip), ("h.json", b"[")],
    )  # fmt: skip
    made, rejects = ingested(Source(path=str(tmp_path)))
    assert [r.path for r in made] == ["a.tar/../../g", "a.tar/e", "a.tar/f"]
    assert [(r.path, r.reason) for r in rejects] == [
        ("a.tar/a", "no_audio"), ("a.tar/b", "several_audio"), ("a.tar/c", "not_audio"), ("a.tar/d", "bad_transcript"),
        ("a.tar/e", "duplicate"), ("a.tar/h", "bad_transcript"),
    ]  # fmt: skip


def test_how_long_a_transcript_may_be_is_a_setting(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    path = write(tmp_path / "a.tar", [("a.flac", clip), ("a.txt", b"and " * 300)])
    (made,), _ = ingested(Source(path=path))
    assert made.text == " ".join(["and"] * 300)
    _, (reject,) = ingested(Source(path=path, limits={"transcript": 1024}))
    assert (reject.reason, reject.detail) == ("bad_transcript", "a.txt holds 1,200 bytes")


@pytest.mark.parametrize("kept", [700, 0.5, 0.95])
def test_a_tar_that_breaks_off_says_so(tmp_path: Path, ingested: Callable, clip: bytes, kept: float) -> None:
    path = tmp_path / "a.tar"
    write(path, [(f"{n}.flac", clip) for n in range(4)])
    whole = path.read_bytes().rstrip(b"\0")
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else int(kept)])
    made, rejects = ingested(Source(path=str(path)))
    assert len(made) < 4
    assert rejects


def test_what_is_no_tar(tmp_path: Path, ingested: Callable) -> None:
    (tmp_path / "a.tar").write_bytes(b"nonsense" * 200)
    (tmp_path / "b.tar").write_bytes(b"")
    made, rejects = ingested(Source(path=str(tmp_path / "*.tar")))
    assert not made
    assert len(rejects) == 2


def test_each_channel_is_a_recording_of_its_own(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    made, rejects = ingested(
        Source(path=write(tmp_path / "a.tar", [("x.flac", clip), ("y.flac", clip)]), channels="each")
    )
    assert [r.path for r in made] == ["a.tar/x", "a.tar/y"] and not rejects


def _header(name: str, size: int, kind: bytes) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.type = size, kind
    return entry.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE, tarfile.REGTYPE])
def test_headers_that_declare_a_terabyte_take_no_memory(
    tmp_path: Path, clip: bytes, ingested: Callable, kind: bytes
) -> None:
    entry = _header("a.flac", len(clip), tarfile.REGTYPE)
    huge = _header("b.flac", 1 << 40, kind) + clip
    (tmp_path / "a.tar").write_bytes(entry + clip + bytes(-len(clip) % 512) + huge)
    made, rejects = ingested(Source(path=str(tmp_path / "a.tar")))
    assert len(made) == 1
    assert {r.reason for r in rejects} - {"truncated"} == {"broken_tar"}


def _damaged(how: str, whole: bytes) -> bytes:
    """A tar of four clips; the third's header begins at `third`."""
    step = (len(whole.rstrip(b"\0")) + 511) // 512 * 512 // 4
    third = 2 * step
    return {
        "a flipped byte": whole[: third + 5] + b"\xf5" + whole[third + 6 :],
        "a zeroed header": whole[:third] + bytes(512) + whole[third + 512 :],
        "0xFF": whole[:third] + b"\xff" * 512 + whole[third + 512 :],
        "a hole": whole[:third] + bytes(1024) + whole[third + 1024 :],
        "zeros to its end": whole[:third] + bytes(50_000),
        "cut at a member": whole[:third],
        "cut in a header": whole[: third + 100],
    }[how]


@pytest.mark.parametrize(
    "how",
    ["a flipped byte", "a zeroed header", "0xFF", "a hole", "zeros to its end", "cut at a member", "cut in a header"],
)
def test_what_follows_a_broken_header_is_a_reject_with_its_place(
    tmp_path: Path, ingested: Callable, clip: bytes, how: str
) -> None:
    path = tmp_path / "a.tar"
    write(path, [(f"{n}.flac", clip) for n in range(4)])
    path.write_bytes(_damaged(how, path.read_bytes()))
    made, rejects = ingested(Source(path=str(path)))
    assert [r.path for r in made] == ["a.tar/0", "a.tar/1"]
    assert [r.reason for r in rejects] == ["broken_tar"]
    assert "at byte" in rejects[0].detail


@pytest.mark.parametrize(
    ("cut", "where"),
    [
        (0, "it breaks off at byte 0, the end of the file"),
        (100, "it breaks at byte 0 of 100"),
        (1000, "it breaks off at byte 1,000, the end of the file; its last member reaches to byte 1,536"),
        (1536, "it breaks off at byte 1,536"),
        (1600, "it breaks at byte 1,536 of 1,600"),
    ],
)
def test_the_place_of_a_cut_lies_in_the_file(tmp_path: Path, cut: int, where: str) -> None:
    whole = Path(write(tmp_path / "a.tar", [("a.flac", bytes(700)), ("b.flac", bytes(700))])).read_bytes()
    (fault,) = [s.fault for s in samples(io.BytesIO(whole[:cut])) if s.fault]
    assert where in fault


def test_members_that_lie_apart_are_told_what_to_do(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    members = [("a.flac", clip), ("b.flac", clip), ("a.txt", b"so"), ("b.txt", b"so")]
    made, rejects = ingested(Source(path=write(tmp_path / "a.tar", members)))
    assert len(made) == 2 and {r.reason for r in rejects} == {"duplicate"}
    assert all("members of one key must follow one another" in r.detail for r in rejects)


def test_files_that_are_no_tars_are_counted(tmp_path: Path, clip: bytes) -> None:
    write(tmp_path / "a.TAR", [("a.flac", clip)])
    (tmp_path / "b.tar.gz").write_bytes(b"x")
    source = Source(path=str(tmp_path))
    assert [item.path for item in source.items("s")] == ["a.TAR"] and source.passed_over() == {".gz": 1}


def test_joined_tars_are_read_through(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    for name in "abc":
        write(tmp_path / name, [(f"{name}.flac", clip)])
    (tmp_path / "x.tar").write_bytes(b"".join((tmp_path / name).read_bytes() for name in "abc"))
    made, rejects = ingested(Source(path=str(tmp_path / "x.tar")))
    assert [r.path for r in made] == ["x.tar/a", "x.tar/b", "x.tar/c"] and not rejects


def test_damage_at_the_beginning_of_a_joined_tar_is_named_by_its_block(
    tmp_path: Path, ingested: Callable, clip: bytes
) -> None:
    whole = Path(write(tmp_path / "a", [("a.flac", clip)])).read_bytes()
    (tmp_path / "x.tar").write_bytes(whole + bytes(100) + whole[100:])
    made, (reject,) = ingested(Source(path=str(tmp_path / "x.tar")))
    assert [r.path for r in made] == ["x.tar/a"] and f"at byte {len(whole):,} of" in reject.detail


def test_one_block_of_zeros_ends_a_tar(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    whole = Path(write(tmp_path / "a.tar", [("a.flac", clip)])).read_bytes().rstrip(b"\0")
    (tmp_path / "a.tar").write_bytes(whole + bytes(-len(whole) % 512 + 512))
    made, rejects = ingested(Source(path=str(tmp_path / "a.tar")))
    assert len(made) == 1 and not rejects


def test_a_tar_of_anything_but_audio_is_read_no_further(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    texts = [(f"{n}.txt", b"words") for n in range(50)]
    path = write(tmp_path / "a.tar", [("a.flac", clip), *texts, ("b.flac", clip)])
    made, rejects = ingested(Source(path=path, limits={"faults_in_a_row": 5}))
    assert [r.path for r in made] == ["a.tar/a"] and sorted(r.reason for r in rejects) == [
        *["no_audio"] * 5,
        "too_many_faults",
    ]
    (end,) = (r.detail for r in rejects if r.reason == "too_many_faults")
    assert end == "a.tar: 5 entries in a row cannot be used; it is read no further"
