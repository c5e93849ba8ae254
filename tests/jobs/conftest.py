"""A small recipe over real embedded backends: a dozen spoken sentences, two dialogues and some text."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.jobs.planting import corpus, good, trained  # noqa: F401  # fixtures
from weft.jobs import cli
from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.audio.sound import flac
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.grammar import documents, sentences

SMALL_HUBERT = {"seconds": 20, "steps": 2, "batch_seconds": 4, "hidden": 32, "layers": 2, "heads": 2, "clusters": 16}


@pytest.fixture
def weft(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command line and returns its exit code, output and errors."""

    def ran(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["weft", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return ran


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """raw/*.flac beside *.txt, and books/text.txt."""
    root = tmp_path_factory.mktemp("material")
    (root / "raw").mkdir()
    (root / "books").mkdir()
    voice = Voice()
    for number, sentence in enumerate(sentences(12, 5)):
        speech = voice.speak(sentence, Style("gmw/en-US", "f2" if number % 2 else "edward"))
        (root / "raw" / f"{number:02d}.flac").write_bytes(flac(speech.samples, speech.rate))
        (root / "raw" / f"{number:02d}.txt").write_text(sentence)
    (root / "books" / "text.txt").write_text("\n\n".join(documents(12, 5)))
    return root


@pytest.fixture
def write_recipe(material: Path) -> Callable[..., Path]:
    """Writes the small recipe at a path, with further settings merged over it by the caller's own YAML."""

    def write(path: Path, speech: Path | None = None, **changes: object) -> Path:
        recipe = {
            "name": "small",
            "part_size": 4,
            "sources": {
                "speech": {"use": "folder", "path": str(speech or material / "raw")},
                "dialogues": {"use": "grammar", "count": 2},
                "books": {"use": "text", "path": str(material / "books"), "documents": "paragraph", "stretch": 1024},
            },
            "tokenizers": {
                "hubert": {"use": "hubert", "sources": ["speech"], "size": 12, "layer": 1, "training": SMALL_HUBERT}
            },
            "text": {"use": "bpe", "size": 400, "sources": ["books"]},
            "tasks": {
                "speech": {"use": "speech", "sources": ["speech", "dialogues"]},
                "words": {"use": "words", "sources": ["speech", "dialogues"], "text_words": [2, 4], "speech_words": [2, 4]},
                "text": {"use": "text", "sources": ["books"]},
            },
            "training": {
                "pretrain": {
                    "mixture": {
                        "total": 6000, "shares": {"speech": 1, "words": 1, "text": 1}, "exhausted": "repeat", "passes": 9,
                    },
                    "context": 128,
                    "model": {"config": {
                        "model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
                        "num_attention_heads": 2, "num_key_value_heads": 2,
                    }},
                    "optimiser": {"lr": 1e-3, "batch_tokens": 512, "steps": 3},
                },
            },
            **changes,
        }  # fmt: skip
        path.write_text(yaml.safe_dump(recipe))
        return path

    return write


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of text alone."""
    root = tmp_path_factory.mktemp("cli")
    (root / "a.txt").write_text("\n\n".join(f"paragraph {n} says [red]what{n}[/] it says" for n in range(40)))
    (root / "recipe.yaml").write_text(
        f"""name: small
sources: {{books: {{use: text, path: {root}/a.txt, documents: paragraph}}}}
text: {{use: bpe, size: 300}}
tasks: {{text: {{use: text, sources: [books]}}}}
training:
  pretrain:
    mixture: {{total: 300, shares: {{text: 1}}}}
    context: 64
    model: {{config: {{model_type: llama}}}}
    optimiser: {{lr: 0.001, batch_tokens: 64}}
"""
    )
    return root


@pytest.fixture(scope="session")
def text_corpus(small_corpus: Path) -> str:
    """`small_corpus` built: its folder."""
    pipeline, store = read_pipeline(str(small_corpus / "recipe.yaml")), Store(str(small_corpus / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    return store.url
