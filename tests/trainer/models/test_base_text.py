"""A base whose text tokenizer gives other ids is refused: its embeddings would stand for other tokens."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel

from weft.schemas.faults import RecipeError
from weft.schemas.training import ModelSettings, TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.model import build
from weft.trainer.models.base_text import check_text
from weft.trainer.train import train


def tokenizer(*words: str, added: tuple[str, ...] = ()) -> bytes:
    made = Tokenizer(WordLevel({word: n for n, word in enumerate(words)}, unk_token=words[0]))
    made.add_tokens([AddedToken(token) for token in added])
    return made.to_str().encode()


@pytest.mark.parametrize(
    "theirs",
    [
        tokenizer("a", "b", "c"),
        tokenizer("a", "b", "c", added=("<|im_end|>",)),  # its markers may have other names here
        None,  # it does not say its text
    ],
)
def test_a_base_of_the_same_text_is_taken(theirs: bytes | None, tmp_path: Path) -> None:
    if theirs:
        (tmp_path / "tokenizer.json").write_bytes(theirs)
    check_text(str(tmp_path), tokenizer("a", "b", "c", added=("<|EOT|>", "<audio_0>")))


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match=r"tokenizer\.json cannot be read"):
        check_text(str(tmp_path), tokenizer("a"))


@pytest.mark.parametrize(
    ("theirs", "sentence"),
    [
        (tokenizer("a", "c", "b"), "has another text tokenizer than the corpus: 'c' is 1 there, and 2 here; build the corpus with"),
        (tokenizer("a", "b", "c", "d"), "has another text tokenizer than the corpus: 'd' is 3 there, and no token here"),
    ],
)  # fmt: skip
def test_a_base_of_other_text_is_refused_before_the_first_step(
    theirs: bytes, sentence: str, make_shards: Callable[..., Path], samples: list, make_stage: Callable[..., TrainingStage],
    vocabulary: Vocabulary, llama: dict[str, object], tmp_path: Path,
) -> None:  # fmt: skip
    base = tmp_path / "base"
    build(ModelSettings(config=llama), 48, 0).save_pretrained(base)
    (base / "tokenizer.json").write_bytes(theirs)
    stage = make_stage(steps=1).model_copy(update={"model": ModelSettings(base=str(base))})
    files = {"tokenizer.json": tokenizer("a", "b", "c", added=("<|EOT|>",))}
    with pytest.raises(RecipeError, match=sentence):
        train(make_shards(samples), tmp_path / "run", stage, vocabulary, "", 0, False, lambda _: None, files=files)
    assert not (tmp_path / "run").exists()
