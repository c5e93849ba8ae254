"""Centroids, Spirit LM's network with its blank, and files that hold neither."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from safetensors.torch import save_file as torch_save

from weft.tokenizers.models.quantizer import FeedForward, Nearest, NearestByMetric, load_quantizer, without_blanks

FEATURES = 9 * np.random.default_rng(0).standard_normal((50, 6)).astype(np.float32)


@given(st.lists(st.integers(0, 3), max_size=40))
def test_a_blank_takes_its_left_neighbour(codes: list[int]) -> None:
    out = without_blanks(np.array(codes, np.int32), blank=3).tolist()
    kept = [code for code in codes if code != 3]
    now = kept[0] if kept else 3
    for code, filled in zip(codes, out, strict=True):
        now = code if code != 3 else now
        assert filled == now


def network(*widths: int) -> torch.nn.Sequential:
    torch.manual_seed(1)
    layers = [m for a, b in pairwise(widths) for m in (torch.nn.Linear(a, b), torch.nn.LeakyReLU())]
    return torch.nn.Sequential(*layers[:-1])


def test_a_network_gives_what_torch_gives(tmp_path: Path) -> None:
    layers = network(6, 5, 5, 4)
    tensors = {name: value.detach().numpy() for name, value in layers.state_dict().items()}
    save_file(tensors, tmp_path / "linear.safetensors")
    quantizer = load_quantizer(str(tmp_path / "linear.safetensors"), 4, 6)
    expected = layers(torch.from_numpy(FEATURES)).argmax(1).numpy()
    assert (expected == 3).any()
    assert quantizer.codes(FEATURES).tolist() == without_blanks(expected, 3).tolist()
    save_file(quantizer.tensors, tmp_path / "again.safetensors")
    again = load_quantizer(str(tmp_path / "again.safetensors"), 4, 6)
    assert isinstance(again, FeedForward) and again.codes(FEATURES).tolist() == quantizer.codes(FEATURES).tolist()


def test_centroids(tmp_path: Path) -> None:
    save_file(Nearest(FEATURES[:7]).tensors, tmp_path / "km.safetensors")
    np.save(tmp_path / "km.npy", FEATURES[:7])
    for name in ("km.safetensors", "km.npy"):
        assert load_quantizer(str(tmp_path / name), 7, 6).codes(FEATURES[:7]).tolist() == list(range(7))


def test_centroids_by_a_metric(tmp_path: Path) -> None:
    warp = np.random.default_rng(1).standard_normal((6, 6)).astype(np.float32)
    save_file(NearestByMetric(FEATURES[:7], warp @ warp.T).tensors, tmp_path / "km.safetensors")
    loaded = load_quantizer(str(tmp_path / "km.safetensors"), 7, 6)
    expected = Nearest(FEATURES[:7] @ warp).codes(FEATURES @ warp)
    assert isinstance(loaded, NearestByMetric) and loaded.codes(FEATURES).tolist() == expected.tolist()
    assert expected.tolist() != Nearest(FEATURES[:7]).codes(FEATURES).tolist()


def test_refuses_what_is_no_quantizer(tmp_path: Path) -> None:
    zeros = np.zeros((4, 6), np.float32)
    for tensors, message in (
        ({"a": zeros, "b": zeros}, "neither one table of centroids nor layers"),
        ({"0.weight": zeros, "0.bias": zeros[0]}, "do not lead from 6 features to 4 classes"),
        ({"0.weight": zeros, "0.bias": zeros[:, 0], "x": zeros}, "neither"),
        ({"a": np.full((4, 6), np.nan, np.float32)}, "not finite"),
        ({"a": zeros[:3]}, r"\[3, 6\], but \[size, width\] is \[4, 6\]"),
        ({"centroids": zeros, "metric": zeros}, r"centroids are \[4, 6\] and their metric \[4, 6\]"),
        ({"centroids": zeros[:3], "metric": np.eye(6, dtype=np.float32)}, r"centroids are \[3, 6\]"),
        ({"centroids": zeros, "metric": -np.eye(6, dtype=np.float32)}, "its metric is not symmetric and positive"),
        (
            {"centroids": zeros, "metric": np.triu(np.ones((6, 6), np.float32))},
            "its metric is not symmetric and positive",
        ),
        ({"a": np.full((4, 6), 1e300)}, "not finite"),
        ({"a": zeros.astype(np.int32)}, "a is no table of floats"),
        ({"0.weight": zeros[0, 0, ...], "0.bias": zeros}, "no table of floats"),
        ({}, "no tensors"),
    ):
        save_file(tensors, tmp_path / "q.safetensors")
        with pytest.raises(ValueError, match=message):
            load_quantizer(str(tmp_path / "q.safetensors"), 4, 6)
    for name, table in (("words", np.array(["a"])), ("complex", zeros.astype(np.complex64))):
        np.save(tmp_path / f"{name}.npy", table)
        with pytest.raises(ValueError, match="no table of floats"):
            load_quantizer(str(tmp_path / f"{name}.npy"), 4, 6)
    torch_save({"a": torch.zeros(4, 6, dtype=torch.bfloat16)}, tmp_path / "bfloat16.safetensors")
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name in ("objects.npy", "gone.safetensors", "bfloat16.safetensors"):
        with pytest.raises(ValueError, match="no codebook could be read"):
            load_quantizer(str(tmp_path / name), 4, 6)
