"""Final checkpoints are models of transformers: the folder alone loads, generates, and says what it generates."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from weft.schemas.training import ModelSettings, TrainingStage
from weft.schemas.vocabulary import Entry
from weft.tokenizers import bpe
from weft.tokenizers.unified import load, save, unify
from weft.trainer.merging import merge
from weft.trainer.model import build
from weft.trainer.models.special_ids import FILES
from weft.trainer.train import train

ENTRIES = [Entry("speech", "[Speech]", modality="speech"), Entry("eot", "<|EOT|>"), Entry("hubert", "[Hu{}]", size=20)]
ANSWER = "[Speech][Hu4][Hu2][Hu17][Hu0]"


@pytest.mark.parametrize("based", [False, True])
def test_a_checkpoint_generates_text_and_codes(
    make_shards: Callable[..., Path],
    make_stage: Callable[..., TrainingStage],
    llama: dict[str, object],
    tmp_path: Path,
    based: bool,
) -> None:
    text = bpe.Tokenizer(size=280).train(["the cat sat on the mat"] * 9)
    vocabulary = unify(text, ENTRIES)
    save(tmp_path / "vocabulary", text, vocabulary)
    files = {name: (tmp_path / "vocabulary" / name).read_bytes() for name in FILES}
    encode = load(tmp_path / "vocabulary")[1]
    spoken = AutoTokenizer.from_pretrained(tmp_path / "vocabulary")(ANSWER + "<|EOT|>")["input_ids"]
    ids = [0, *encode("the cat"), *spoken]
    stage = make_stage(steps=40, checkpoint_every=40)
    if based:  # a checkpoint with a smaller vocabulary, and with other ids of its own at which it would end
        build(ModelSettings(config={**llama, "eos_token_id": 4, "bos_token_id": 3}), 290, 0).save_pretrained(
            tmp_path / "base"
        )
        stage = stage.model_copy(update={"model": ModelSettings(base=str(tmp_path / "base"))})
    shards = make_shards([("up", ids, (0, len(ids)))] * 200)
    result = train(shards, tmp_path / "run", stage, vocabulary, "", 0, False, lambda _: None, files=files)
    final = merge({result.checkpoint: 5}, tmp_path / "final")
    for folder in (result.checkpoint, final):
        model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
        prompt = tokenizer(["<s>the cat", "<s>the cat"[:6]], return_tensors="pt", padding=True, padding_side="left")
        made = model.generate(**prompt, max_new_tokens=30, do_sample=False)
        assert tokenizer.decode(made[0], skip_special_tokens=True) == "the cat" + ANSWER
        end = int((made[0] == vocabulary.end).nonzero()[0])
        assert end + 1 == len(made[0]) or torch.all(made[0, end:] == vocabulary.pad)
