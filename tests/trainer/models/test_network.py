"""Vectors of latents stand at their placeholders, and an adaptor's checkpoint comes back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from weft.schemas.training import ModelSettings, TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.latents import LatentSpan, Placed
from weft.trainer.loader import Draw
from weft.trainer.model import build, forward
from weft.trainer.models.adaptor import Adaptor
from weft.trainer.models.encoders import latents_of
from weft.trainer.models.groups import freeze, groups_of
from weft.trainer.models.network import Network
from weft.trainer.models.starting import starting
from weft.trainer.objectives.base import rows_of
from weft.trainer.objectives.next_token import next_token
from weft.trainer.packing import pack
from weft.trainer.stream import StreamState, batch_of

CPU = torch.device("cpu")


class Ramp:
    """Frames that are the samples themselves, four a frame."""

    width, stride = 4, 2

    def encode(self, member: np.ndarray) -> np.ndarray:
        return member[: len(member) // 4 * 4].reshape(-1, 4)


@pytest.fixture
def network(llama: dict[str, object]) -> Network:
    torch.manual_seed(1)
    return Network(build(ModelSettings(config=llama), 48, 0), adaptor=Adaptor(width=4, embedding=32)).eval()


def audio(begin: int, frames: int, seed: int = 0) -> LatentSpan:
    samples = np.random.default_rng(seed).standard_normal(4 * frames).astype(np.float32)
    return LatentSpan(modality="audio", begin=begin, end=begin + (frames + 2 - 3) // 2 + 1, member=samples)


@pytest.mark.parametrize("frames", range(1, 9))
def test_the_adaptor_gives_half_as_many_vectors(network: Network, frames: int) -> None:
    assert network.adaptor is not None
    assert len(network.adaptor(torch.zeros(frames, 4))) == (frames + 2 - 3) // 2 + 1


def test_vectors_replace_the_embeddings_of_placeholders_and_no_others(network: Network) -> None:
    draw = Draw(
        position=0, task="asr", ids=np.arange(12, dtype=np.int32), loss=np.array([[8, 12]]), stretches=(audio(3, 8),)
    )
    batch = batch_of(list(pack([draw], 16)), 16, StreamState())
    ids_BT = torch.from_numpy(batch.ids_BT.astype(np.int64))
    latents = latents_of(batch.latents, 16, CPU, {"audio": Ramp()})
    plain, states = network.lm.get_input_embeddings()(ids_BT), network.embedded(ids_BT, latents)
    assert network.adaptor is not None
    vectors = network.adaptor(torch.from_numpy(Ramp().encode(draw.stretches[0].member)))
    torch.testing.assert_close(states[0, 3:7], vectors)
    kept = [t for t in range(16) if not 3 <= t < 7]
    torch.testing.assert_close(states[0, kept], plain[0, kept])


def test_a_sample_in_pieces_has_the_vectors_of_the_whole(network: Network) -> None:
    draw = Draw(
        position=0,
        task="asr",
        ids=np.arange(12, dtype=np.int32),
        loss=np.zeros((0, 2)),
        stretches=(audio(2, 12), audio(9, 4, 1)),
    )
    whole = batch_of(list(pack([draw], 16)), 16, StreamState())
    cut = batch_of(list(pack([draw], 5)), 5, StreamState())  # the first stretch lies in the first two pieces
    one = network.embedded(
        torch.from_numpy(whole.ids_BT.astype(np.int64)), latents_of(whole.latents, 16, CPU, {"audio": Ramp()})
    )
    other = network.embedded(
        torch.from_numpy(cut.ids_BT.astype(np.int64)), latents_of(cut.latents, 5, CPU, {"audio": Ramp()})
    )
    torch.testing.assert_close(one[0, :12], other.reshape(15, -1)[:12])


def test_without_latents_it_is_the_lm(network: Network) -> None:
    ids, places, documents = torch.arange(8)[None], torch.arange(8)[None], torch.zeros(1, 8, dtype=torch.long)
    keep = torch.arange(8)
    assert torch.equal(network(ids, places, documents, keep), forward(network.lm, ids, places, documents, keep))


def test_an_encoder_that_disagrees_with_the_placeholders_is_refused(network: Network) -> None:
    stretch = LatentSpan(modality="audio", begin=0, end=5, member=np.zeros(32, np.float32))
    latents = latents_of([[Placed(stretch=stretch, at=0, first=0, count=5)]], 8, CPU, {"audio": Ramp()})
    with pytest.raises(ValueError, match="the audio encoder gives 4 vectors where 5 placeholders stand"):
        network.embedded(torch.arange(8)[None], latents)


def test_checkpoints_hold_the_adaptor(
    network: Network, tmp_path: Path, make_stage: Callable[..., TrainingStage]
) -> None:
    vocabulary = Vocabulary(text_size=40, bos=None, markers=(), codebooks=(), size=48, text_fingerprint="toy")
    network.save(tmp_path)
    again = starting(make_stage(), vocabulary, 5, tmp_path, {"audio": Ramp()})
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), again.parameters(), strict=True))


def test_a_base_brings_its_adaptor(network: Network, tmp_path: Path, make_stage: Callable[..., TrainingStage]) -> None:
    vocabulary = Vocabulary(text_size=40, bos=None, markers=(), codebooks=(), size=48, text_fingerprint="toy")
    network.save(tmp_path)
    stage = make_stage().model_copy(update={"model": ModelSettings(base=str(tmp_path))})
    again = starting(stage, vocabulary, 5, encoders={"audio": Ramp()})
    assert network.adaptor is not None and again.adaptor is not None
    parameters = zip(network.adaptor.parameters(), again.adaptor.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in parameters)


def test_an_adaptor_that_is_not_finite_or_of_another_shape_is_refused(network: Network, tmp_path: Path) -> None:
    network.save(tmp_path)
    file = tmp_path / "adaptor.safetensors"
    good = load_file(file)
    for name, weight, message in (
        ("projection.bias", torch.full((32,), torch.nan), "adaptor.safetensors: 32 of its weights are not finite"),
        ("convolution.weight", torch.zeros(32, 1, 3), r"of this encoder and model \(size mismatch for convolution"),
    ):
        save_file({**good, name: weight}, file)
        with pytest.raises(ValueError, match=message):
            network.load_adaptors(tmp_path)


def test_groups_are_every_weight_once(network: Network) -> None:
    groups = groups_of(network)
    assert {name: len(weights) for name, weights in groups.items() if name != "lm"} == {
        "embeddings": 1,
        "head": 1,
        "adaptor": 4,
    }
    assert sorted(name for weights in groups.values() for name in weights) == sorted(
        n for n, _ in network.named_parameters()
    )
    assert list(freeze(network, {"adaptor": 1e-4})) == ["adaptor"]
    assert [name for name, weight in network.named_parameters() if weight.requires_grad] == list(groups["adaptor"])


def test_the_network_learns_what_only_the_audio_says(network: Network) -> None:
    """Two recordings, the same tokens before the answer: only a model that listens can tell which answer follows."""
    draws = [
        Draw(
            position=n,
            task="asr",
            ids=np.array([1, 9, 9, 9, 2, 10 + n], np.int32),
            loss=np.array([[5, 6]]),
            stretches=(audio(1, 6, n),),
        )
        for n in range(2)
    ]
    batch = batch_of(list(pack(draws, 8)), 8, StreamState())
    rows = rows_of(batch, slice(None), CPU, {"audio": Ramp()})
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    curve = []
    for _ in range(60):
        nats, _ = next_token(network, rows, 1)
        nats.backward()
        optimiser.step()
        optimiser.zero_grad()
        curve.append(nats.item() / 2)
    assert curve[-1] < 0.2 < np.log(2) < curve[0]
