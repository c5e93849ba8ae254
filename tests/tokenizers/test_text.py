"""Text goes through and comes back, and no spelling of a control token becomes one."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from weft.schemas.ledger import Unusable
from weft.tokenizers import bpe, pretrained
from weft.tokenizers.text import PlainText

TEXTS = ["the cat sat on the mat and said [Speech] to the hat", "<s>[Hu3] of the sea </s>"] * 20


@pytest.fixture(scope="module")
def trained() -> bpe.Tokenizer:
    made = bpe.Tokenizer(size=300)
    made.train(TEXTS)
    return made


@settings(max_examples=200, deadline=None)
@given(st.text())
@example("<s>[Speech][Hu3] naïve\u3000\U0001f600\r\n\x00")
def test_round_trip(trained: bpe.Tokenizer, text: str) -> None:
    ids = trained.encode(text)
    assert trained._plain is not None
    assert trained._plain.decode(ids) == text
    assert 0 not in ids  # <s>


def test_training_is_deterministic_and_no_larger_than_asked() -> None:
    first, second = bpe.Tokenizer(size=280).train(TEXTS), bpe.Tokenizer(size=280).train(iter(TEXTS))
    assert first.backend_tokenizer.to_str() == second.backend_tokenizer.to_str()
    assert len(first) <= 280
    assert first.bos_token_id == 0


def test_half_a_surrogate_pair_is_refused(trained: bpe.Tokenizer) -> None:
    with pytest.raises(Unusable, match="surrogate"):
        trained.encode("a\ud800")


def test_encode_before_train_is_refused() -> None:
    with pytest.raises(RuntimeError, match="train"):
        bpe.Tokenizer().encode("a")


def test_control_tokens_that_are_words_are_cut_in_two() -> None:
    backend = Backend(models.Unigram([("<unk>", 0.0), ("</s>", -1.0), *((c, -5.0) for c in "ab</s>")], unk_id=0))
    backend.add_special_tokens(["</s>"])
    plain = PlainText(backend)
    ids = plain.encode("a</s>b")
    assert 1 not in ids
    assert plain.decode(ids).replace(" ", "") == "a</s>b"


def test_pretrained_keeps_its_ids_and_hides_its_specials(tmp_path: Path) -> None:
    backend = bpe.Tokenizer(size=290).train(TEXTS).backend_tokenizer
    backend.add_special_tokens(["<|im_start|>"])
    backend.add_tokens(["<tool_call>"])  # added, yet not special: Qwen has such
    PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>").save_pretrained(tmp_path)
    made = pretrained.Tokenizer(model=str(tmp_path))
    size = made.train([]).backend_tokenizer.get_vocab_size()
    assert max(made.encode("<|im_start|>user<tool_call>")) < size - 2
    assert size == backend.get_vocab_size()


def test_pretrained_refuses_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no tokenizer"):
        pretrained.Tokenizer(model=str(tmp_path)).train([])


def test_the_code_of_a_pretrained_tokenizer_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anybody asked whether it should be."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    options = {"tokenizer_class": "OwnTokenizer", "auto_map": {"AutoTokenizer": ["own.OwnTokenizer", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(options))
    (tmp_path / "own.py").write_text("raise SystemExit('its code was run')")
    with pytest.raises(ValueError, match="no tokenizer could be read"):
        pretrained.Tokenizer(model=str(tmp_path)).train([])


def test_word_level_control_word_of_one_letter_is_refused() -> None:
    backend = Backend(models.WordLevel({"<unk>": 0, "§": 1, "a": 2}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.add_special_tokens(["§"])
    with pytest.raises(Unusable, match="control token"):
        PlainText(backend).encode("a § a")


def test_a_long_document_may_hold_a_control_token_thousands_of_times() -> None:
    backend = Backend(models.Unigram([("<unk>", 0.0), ("</s>", -1.0), *((c, -5.0) for c in "ab</s>")], unk_id=0))
    backend.add_special_tokens(["</s>"])
    plain = PlainText(backend)
    written = "a</s>b" * 5000
    ids = plain.encode(written)
    assert 1 not in ids and plain.decode(ids).replace(" ", "") == written
