"""Gaussians: what they are fitted to they find again."""

import numpy as np

from weft.pipelines.acoustic.mixtures import Mixtures


def test_two_heaps_of_one_state_get_a_component_each() -> None:
    rng = np.random.default_rng(0)
    frames = np.concatenate([rng.normal(-4, 0.5, (300, 2)), rng.normal(4, 0.5, (100, 2)), rng.normal(0, 1, (300, 2))])
    model = Mixtures.fit(frames, np.repeat([0, 0, 1], [300, 100, 300]), count=2, components=2)
    heavy, light = np.argsort(-model.weights[0])
    assert np.allclose(model.means[0, heavy], -4, atol=0.3)
    assert np.allclose(model.means[0, light], 4, atol=0.3)
    assert np.allclose(np.exp(model.weights[0, [heavy, light]]), [0.75, 0.25], atol=0.02)


def test_likelihoods_are_those_of_the_density() -> None:
    model = Mixtures(np.log([[0.5, 0.5]]), np.array([[[0.0], [2.0]]]), np.array([[[1.0], [4.0]]]))
    points = np.linspace(-30, 30, 20001)[:, None]
    density = np.exp(model.log_likelihoods(points))
    assert np.isclose(np.trapezoid(density[:, 0], points[:, 0]), 1, atol=1e-6)
    want = 0.5 * np.exp(-0.5) / np.sqrt(2 * np.pi) + 0.5 * np.exp(-1 / 8) / np.sqrt(8 * np.pi)
    assert np.isclose(np.exp(model.log_likelihoods(np.array([[1.0]])))[0, 0], want)


def test_a_state_of_few_frames_looks_like_everything() -> None:
    frames = np.random.default_rng(1).normal(3, 2, (500, 4))
    model = Mixtures.fit(frames, np.zeros(500, int), count=2, components=4)
    assert np.allclose(model.means[1, 0], frames.mean(0))
    assert np.allclose(model.variances[1, 0], frames.var(0))
    assert np.isneginf(model.weights[1, 1:]).all()
    assert np.isfinite(model.log_likelihoods(frames)).all()


def test_frames_all_alike_are_no_fault() -> None:
    model = Mixtures.fit(np.zeros((400, 3)) + 1e-3, np.zeros(400, int), count=1, components=4)
    assert model.means.shape == (1, 4, 3)
