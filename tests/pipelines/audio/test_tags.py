"""Tags before and behind the sound of a file."""

import io

import pytest

from weft.pipelines.audio.tags import after

ID3V2 = b"ID3\x03\0\0\0\0\x01\x02" + bytes(130)  # its size has 7 bits a byte
WITH_FOOTER = b"ID3\x04\0\x10\0\0\0\x05" + bytes(15)
ID3V1 = b"TAG" + bytes(125)
APE = b"APETAGEX" + (2000).to_bytes(4, "little") + (60).to_bytes(4, "little") + bytes(76)


@pytest.mark.parametrize("tags", [b"", ID3V2, WITH_FOOTER, ID3V1, APE, APE + ID3V1, ID3V2 + WITH_FOOTER])
def test_the_byte_behind_tags(tags: bytes) -> None:
    assert after(io.BytesIO(b"sound" + tags + b"what follows, which is no tag"), 5) == 5 + len(tags)
    assert after(io.BytesIO(b"sound" + tags), 5) == 5 + len(tags)
