"""Spirit LM Base as shipped, over checkpoints of its shapes made on the spot: published ids, rules and mixture."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, HubertModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.checkpoints import small_hubert
from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.training import run_training
from weft.pipelines.audio.sound import flac
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.audit import audit
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.grammar import documents, sentences

LLAMA_IDS = 32_000


def speak(folder: Path) -> None:
    """Utterances of three sentences, since Spirit LM's spans want 15 words."""
    voice, sample = Voice(), list(sentences(18, 3))
    for n in range(6):
        spoken = voice.speak(text := " ".join(sample[3 * n : 3 * n + 3]), Style("gmw/en-US", "f5"))
        (folder / f"{n}.flac").write_bytes(flac(spoken.samples, spoken.rate))
        (folder / f"{n}.txt").write_text(text)


def write_hubert(folder: Path) -> None:
    torch.manual_seed(0)
    HubertModel(small_hubert(hidden=32, layers=12)).save_pretrained(folder)
    rng, widths = np.random.default_rng(0), (32, 48, 64, 501)
    layers = {
        f"{2 * n}.{part}": rng.standard_normal(shape).astype(np.float32)
        for n, (given, made) in enumerate(pairwise(widths))
        for part, shape in (("weight", (made, given)), ("bias", (made,)))
    }
    save_file(layers, folder / "l11_500.safetensors")


def write_llama(folder: Path) -> None:
    """A byte-level tokenizer of 32,000 ids with Llama's three control tokens first, and a model of its size."""
    control = ["<unk>", "<s>", "</s>"]
    known = [*control, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {word: n for n, word in enumerate([*known, *(f"word{n}" for n in range(LLAMA_IDS - len(known)))])}
    made = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.add_special_tokens([AddedToken(word, special=True) for word in control])
    PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=LLAMA_IDS, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=4096,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pipeline]:
    root = tmp_path_factory.mktemp("spirit")
    for name in ("speech", "books", "mhubert", "llama"):
        (root / name).mkdir()
    speak(root / "speech")
    (root / "books" / "a.txt").write_text("\n\n".join(documents(6, 3)))
    write_hubert(root / "mhubert")
    write_llama(root / "llama")
    overrides = [
        f"sources.speech.path={root}/speech",
        f"sources.aligned.path={root}/speech",
        f"sources.text.path={root}/books",
        "sources.text.documents=paragraph",
        *(f"sources.{name}.hold_out=null" for name in ("speech", "aligned", "text")),  # a thousandth of a few is nobody
        f"tokenizers.hubert.model={root}/mhubert",
        f"tokenizers.hubert.codebook={root}/mhubert/l11_500.safetensors",
        f"text.model={root}/llama",
        f"training.pretrain.model.base={root}/llama",
        "training.pretrain.mixture.scale=5e-8",
        "training.pretrain.optimiser.batch_tokens=4096",
        "training.pretrain.optimiser.steps=1",
    ]
    pipeline, store = read_pipeline("spirit-lm-base", overrides), Store(str(root / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    return root, pipeline


def test_its_mixture_is_exact_and_its_ledger_adds_up(built: tuple[Path, Pipeline]) -> None:
    root, pipeline = built
    report = audit(Store(str(root / "corpus")), pipeline, deep=True)
    assert report.faults == ()
    assert [t.declared for t in report.stages[0].tasks] == pytest.approx([1 / 3] * 3)
    assert all(t.samples for t in report.stages[0].tasks)


def test_its_vocabulary_is_the_published_one(built: tuple[Path, Pipeline]) -> None:
    folder = built[0] / "corpus" / "vocabulary"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    published = {"[Text]": 32000, "[Speech]": 32001, "[Hu0]": 32002, "[Hu500]": 32502, "<s>": 1}
    assert {word: tokenizer.convert_tokens_to_ids(word) for word in published} == published
    assert json.loads((folder / "vocabulary.json").read_text())["size"] == 32512


def test_its_samples_are_deduplicated_units_and_spans_of_ten_and_five_words(built: tuple[Path, Pipeline]) -> None:
    corpus = built[0] / "corpus"
    for row in pq.read_table(corpus / "shards/pretrain/index.parquet").to_pylist():
        data = (corpus / "shards/pretrain" / row["shard"]).read_bytes()
        sample = json.loads(data[row["json_offset"] :][: row["json_length"]])
        ids = np.frombuffer(data[row["npy_offset"] :][: row["npy_length"]], "<i4", row["tokens"], 128)
        assert ids[0] == 1
        for s in (s for s in sample["segments"] if s["role"] == "codes"):
            units = ids[s["begin"] : s["end"]]
            assert ((units >= 32002) & (units <= 32502)).all() and (np.diff(units) != 0).all()
        if row["task"] == "words":
            assert {s["modality"] for s in sample["segments"] if s["role"] in ("codes", "text")} == {"speech", "text"}


def test_its_model_takes_a_step_with_a_grown_vocabulary(built: tuple[Path, Pipeline]) -> None:
    root, pipeline = built
    (result,) = run_training(pipeline, str(root / "corpus"), "pretrain", root / "run", resume=False)
    assert result.step == 1
    config = json.loads((result.checkpoint / "config.json").read_text())
    assert config["vocab_size"] == 32512
    assert config["rope_parameters"]["rope_theta"] == 100000
