"""A card names the training set and the checkpoints of a tokenizer."""

from pathlib import Path

import huggingface_hub.constants as hub
import numpy as np
import pytest

from tests.checkpoints import COMMIT, in_hub_cache
from weft.schemas.audio import Audio, Utterance
from weft.schemas.fingerprint import content
from weft.tokenizers.cepstra import Tokenizer
from weft.tokenizers.hubert import Tokenizer as Hubert
from weft.tokenizers.models.card import check_card, licence_of, read_card, write_card
from weft.tokenizers.stream import Speech


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    tokenizer = Tokenizer(size=4)
    (tmp_path / "trained").mkdir()
    tokenizer.train([noise(1)], tmp_path / "trained", seed=1)
    return tokenizer


def noise(seed: int) -> Speech:
    return Speech(np.random.default_rng(seed).normal(0, 0.1, 32_000).astype(np.float32))


def test_the_training_set(tokenizer: Tokenizer, tmp_path: Path) -> None:
    training_set = [
        Utterance(
            key=f"u{n}",
            recording="r",
            source="s",
            audio=Audio("a.wav"),
            sha256="sha",
            start=2.0 * n,
            end=2.0 * n + 1.5,
            licence="CC0",
            language="en",
        )
        for n in range(3)
    ]
    write_card(tmp_path, tokenizer, training_set)
    card = read_card(tmp_path)
    assert (card["use"], card["size"], card["checksum"]) == ("cepstra", 4, tokenizer.checksum)
    assert (card["trained_on"]["clips"], card["trained_on"]["seconds"]) == (3, 4.5)
    assert card["trained_on"]["licences"] == {"CC0": 3} and card["trained_on"]["languages"] == {"en": 3}
    assert card["made_from"] == {}


def test_a_card_with_the_model_of_another(tokenizer: Tokenizer, tmp_path: Path) -> None:
    trained, other = tmp_path / "trained", tmp_path / "other"
    write_card(trained, tokenizer, [])
    check_card(trained, Tokenizer(size=4))
    other.mkdir()
    Tokenizer(size=4).train([noise(2)], other, seed=1)
    (other / "model.safetensors").replace(trained / "model.safetensors")
    with pytest.raises(ValueError, match=f"^{trained}: its model is not the one that card.json describes"):
        check_card(trained, Tokenizer(size=4))
    with pytest.raises(ValueError, match=f"^{other}: no trained tokenizer here"):
        check_card(other, Tokenizer(size=4))


def test_the_checkpoints(tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path / "hub"))
    in_hub_cache(tmp_path / "hub", "org/mhubert")
    codebook = tmp_path / "km.npy"
    np.save(codebook, np.zeros((4, 2), np.float32))
    checkpoints = Hubert(model="hf://org/mhubert", codebook=str(codebook))
    monkeypatch.setattr(Tokenizer, "made_from", checkpoints.made_from)
    write_card(tmp_path, tokenizer, [])
    assert read_card(tmp_path)["made_from"] == {
        "hf://org/mhubert": {"content": f"org/mhubert@{COMMIT}", "licence": ""},
        str(codebook): {"content": content(str(codebook)), "licence": ""},
    }


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        (b"---\nlicense: mit\n---\nA model.\n", "mit"),
        (b"---\nlanguage: en\n---\n", ""),
        (b"---\nlicense: mit\nmodel-index: [{name: a}]\n---\n", "mit"),
        (b"---\nlicense: mit\nno: 3\n---\n", ""),
        (b"No header.", ""),
        (b"---\nlicense: [\n---\n", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_a_checkpoints_licence_is_its_own_cards(card: bytes, licence: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(card)
    (tmp_path / "km.npy").write_bytes(b"")
    assert licence_of(str(tmp_path)) == licence_of(str(tmp_path / "km.npy")) == licence


@pytest.mark.parametrize("card", [None, "no json", "[]", '{"use": 3}'])
def test_refuses_what_is_no_card(card: str | None, tmp_path: Path) -> None:
    if card is not None:
        (tmp_path / "card.json").write_text(card)
    with pytest.raises(ValueError, match=r"no trained tokenizer here|does not say which"):
        read_card(tmp_path)
