"""A sample becomes the two members of a shard and its index row."""

import io
import json
import tarfile
from dataclasses import replace
from itertools import accumulate

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from weft.schemas.sample import Provenance, Sample, SampleSegment, npy_bytes, repeat_of
from weft.schemas.shard import IndexRow
from weft.schemas.tar import BLOCK, END

SAMPLE = Sample(
    key="clip-0-words-0",
    parent="clip-0",
    task="words",
    source="speech",
    seconds=2.5,
    ids=(0, 5, 6, 70, 71, 72, 7),
    segments=(
        SampleSegment(modality="text", role="bos", begin=0, end=1, start=0.0, stop=0.0, loss=False),
        SampleSegment(modality="text", role="text", begin=1, end=3, start=0.0, stop=1.0, loss=True),
        SampleSegment(modality="speech", role="codes", begin=3, end=6, start=1.0, stop=2.0, loss=True),
        SampleSegment(modality="text", role="text", begin=6, end=7, start=2.0, stop=2.5, loss=True),
    ),
    text="naïve 雨",
    language="en",
    speaker="s1",
    emotion="happy",
    licence="CC0",
    split="dev",
    provenance=Provenance(
        recording="rec",
        path="a.wav",
        split="dev",
        sha256="ab",
        start=1.0,
        end=3.5,
        segmenter="given",
        transcriber="given",
        aligner="sphinx",
        tokenizers=("hubert-1",),
    ),
)


def test_the_index_row_counts_what_the_segments_say() -> None:
    made = SAMPLE.for_shard()
    assert (made.tokens, made.text_tokens, made.speech_tokens) == (7, 4, 3)
    assert made.loss == (1, 7)
    assert (made.key, made.parent, made.speaker, made.seconds) == ("clip-0-words-0", "clip-0", "s1", 2.5)


def runs(counted: list[bool]) -> tuple[SampleSegment, ...]:
    """Runs of one, two, three … tokens, text and speech in turn."""
    ends = list(accumulate(range(1, len(counted) + 1), initial=0))
    kinds = ("text", "speech")
    return tuple(
        SampleSegment(
            modality=kinds[n % 2], role="codes", begin=ends[n], end=ends[n + 1], start=0.0, stop=1.0, loss=loss
        )
        for n, loss in enumerate(counted)
    )


@given(counted=st.lists(st.booleans(), max_size=12))
def test_the_loss_bounds_count_the_same_tokens_in_as_few_spans_as_there_can_be(counted: list[bool]) -> None:
    segments = runs(counted)
    made = replace(SAMPLE, segments=segments, ids=(1,) * sum(range(len(counted) + 1))).for_shard()
    begins, ends = made.loss[::2], made.loss[1::2]
    tokens = [t for begin, end in zip(begins, ends, strict=True) for t in range(begin, end)]
    assert tokens == [t for s in segments if s.loss for t in range(s.begin, s.end)]
    assert all(end < begin for end, begin in zip(ends, begins[1:], strict=False))


def test_a_ratio_that_counts_throughout_is_one_span_of_the_index_whatever_its_length() -> None:
    assert replace(SAMPLE, segments=runs([True] * 300), ids=(1,) * 45150).for_shard().loss == (0, 45150)


def test_the_json_member_says_everything_but_the_ids() -> None:
    made = SAMPLE.for_shard()
    record = json.loads(made.members[BLOCK : BLOCK + made.json_length])
    assert record["text"] == "naïve 雨"
    assert record["segments"][2] == {
        "modality": "speech", "role": "codes", "begin": 3, "end": 6, "start": 1.0, "stop": 2.0, "loss": True,
    }  # fmt: skip
    assert record["provenance"]["aligner"] == "sphinx"
    assert "ids" not in record


@given(ids=st.lists(st.integers(0, 2**31 - 1), max_size=50).map(tuple))
def test_the_npy_member_is_int32_behind_a_header_of_128_bytes(ids: tuple[int, ...]) -> None:
    data = npy_bytes(ids)
    loaded = np.load(io.BytesIO(data), allow_pickle=False)
    assert loaded.dtype == np.int32
    assert tuple(loaded.tolist()) == ids
    assert len(data) == 128 + 4 * len(ids)


def test_ids_begin_where_the_index_row_says() -> None:
    made = SAMPLE.for_shard()
    named = {f: getattr(made, f) for f in IndexRow.__dataclass_fields__ if hasattr(made, f)}
    with tarfile.open(fileobj=io.BytesIO(made.members + END)) as tar:
        json_at, npy_at = (m.offset_data for m in tar)
    row = IndexRow(**named, shard="t", json_offset=json_at, npy_offset=npy_at, flac_offset=0, png_offset=0)
    assert np.frombuffer(made.members, "<i4", row.tokens, row.ids_offset).tolist() == list(SAMPLE.ids)


def test_latents_are_members_too_also_of_a_repeat() -> None:
    spans = tuple(
        replace(span, modality=kind)
        for span, kind in zip(SAMPLE.segments, ("text", "audio", "image", "text"), strict=True)
    )
    made = replace(SAMPLE, segments=spans, flac=b"fLaC" * 200, png=b"PNG").for_shard()
    assert (made.audio_tokens, made.image_tokens, made.flac_length, made.png_length) == (2, 3, 800, 3)
    for one in (made, repeat_of(made, 1)):
        with tarfile.open(fileobj=io.BytesIO(one.members + END)) as tar:
            data = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
            places = [member.offset_data for member in tar]
        assert list(data) == [f"{one.key}.{ending}" for ending in ("json", "npy", "flac", "png")]
        assert data[f"{one.key}.flac"] == b"fLaC" * 200 and data[f"{one.key}.png"] == b"PNG"
        assert {"flac", "png"}.isdisjoint(json.loads(data[f"{one.key}.json"]))
        named = {f: getattr(one, f) for f in IndexRow.__dataclass_fields__ if hasattr(one, f) and f != "members"}
        offsets = dict(zip(("json_offset", "npy_offset", "flac_offset", "png_offset"), places, strict=True))
        row = IndexRow(**named, shard="t", **offsets)
        assert row.span == slice(0, len(one.members)) and [name for name, _, _ in row.members] == list(data)


def test_texts_are_told_apart_by_their_hash() -> None:
    assert (
        SAMPLE.for_shard().text_hash
        != Sample(key="k", parent="p", task="t", source="s", seconds=0.0, ids=(), segments=(), text="other")
        .for_shard()
        .text_hash
    )
    assert len(SAMPLE.for_shard().text_hash) == 16
