"""Headers are byte for byte what the standard library writes."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.schemas import tar

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,90}\.(json|npy|flac)", fullmatch=True)


@given(name=NAMES, size=st.integers(0, 2**33 - 1))
def test_a_header_is_what_tarfile_writes(name: str, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    assert tar.header(name.encode(), size) == member.tobuf(tarfile.USTAR_FORMAT)


@given(members=st.dictionaries(NAMES, st.binary(max_size=1200), max_size=4))
def test_tarfile_reads_the_members_back(members: dict[str, bytes]) -> None:
    data = b"".join(tar.member(n, d) for n, d in members.items()) + tar.END
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as opened:
        listed = opened.getmembers()
        found = {m.name: opened.extractfile(m).read() for m in listed}  # type: ignore[union-attr]
    assert list(found.items()) == list(members.items())
    assert all((m.mtime, m.mode, m.uid, m.gid, m.uname, m.type) == (0, 0o644, 0, 0, "", b"0") for m in listed)
    assert len(data) % tar.BLOCK == 0


def test_a_name_of_100_bytes_fits_and_a_longer_one_is_refused() -> None:
    assert len(tar.header(b"a" * 100, 1)) == tar.BLOCK
    with pytest.raises(AssertionError):
        tar.header(b"a" * 101, 1)
