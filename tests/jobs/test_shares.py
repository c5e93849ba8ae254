"""Five sources of unequal size in two languages and eight tasks: every prefix of every task keeps each source to its share."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.mixing.audit import audit
from weft.pipelines.storage.store import Store

SOURCES = {"huge": ("en", 7), "large": ("de", 5), "middle": ("en", 3), "small": ("de", 2), "tiny": ("en", 1)}
EVERY = list(SOURCES)
TASKS: dict[str, tuple[str, list[str]]] = {
    "speech": ("speech", EVERY), "asr": ("asr", EVERY), "tts": ("tts", EVERY), "ratio": ("ratio", ["huge", "tiny", "large"]),
    "german": ("asr", ["large", "small"]), "english": ("speech", ["huge", "middle", "tiny"]), "pair": ("tts", ["small", "middle"]),
    "back": ("ratio", ["tiny", "small"]),
}  # fmt: skip

SPOKEN, WRITTEN = ({"role": "human", "say": say} for say in ("cepstra", "text"))
OF: dict[str, dict[str, Any]] = {
    "ratio": {"of": ["text", "cepstra"], "sizes": [1, 4]},
    "asr": {"use": "turns", "turns": [SPOKEN, {"role": "assistant", "say": "text", "open": "asr"}]},
    "tts": {"use": "turns", "turns": [WRITTEN, {"role": "assistant", "say": "cepstra", "open": "tts"}]},
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Path:
    """Each source's clips, as links to a few spoken sentences."""
    root = tmp_path_factory.mktemp("sources")
    spoken = sorted((material / "raw").glob("*.flac"))
    for source, (_, count) in SOURCES.items():
        for n in range(6 * count):
            for ending in (".flac", ".txt"):
                target = root / source / f"{n:03d}{ending}"
                target.parent.mkdir(exist_ok=True)
                target.symlink_to(spoken[(n * 5 + count) % len(spoken)].with_suffix(ending))
    return root


@pytest.fixture(scope="module")
def corpus(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    import yaml

    shares: dict[str, Any] = dict.fromkeys(TASKS, 1)
    shares["speech"] = {"weight": 3, "by": [{"source": {"huge": 1, "large": 2, "middle": 1, "small": 1, "tiny": 1}}]}
    shares["asr"] = {"weight": 2, "by": [{"language": {"temperature": 0.5}}, {"source": "held"}]}
    model = {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    recipe = {
        "name": "five", "part_size": 8, "align": {"use": "none"},
        "sources": {s: {"use": "folder", "path": str(clips / s), "language": lang} for s, (lang, _) in SOURCES.items()},
        "tokenizers": {"cepstra": {"use": "cepstra", "size": 16}}, "text": {"use": "bpe", "size": 300},
        "vocabulary": {"tokens": [{"marker": m, "literal": f"[{m}]"} for m in ("text", "speech", "asr", "tts")]},
        "tasks": {name: {"use": use, "sources": sources, **OF.get(use, {})} for name, (use, sources) in TASKS.items()},
        "training": {"pre": {
            "mixture": {"total": 40_000, "shares": shares, "exhausted": "repeat", "passes": 20}, "context": 256,
            "model": {"config": model}, "optimiser": {"lr": 1e-3, "batch_tokens": 512},
        }},
    }  # fmt: skip
    root = tmp_path_factory.mktemp("five")
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    store = Store(str(root / "corpus"))
    build(read_pipeline(str(root / "recipe.yaml")), store, LocalEngine(store), lambda event: None, lambda works: None)
    return store


def draws(store: Store, task: str) -> Iterator[tuple[str, str, int]]:
    """Source, language and tokens of each draw of a task, as the trainer reads them."""
    table = pq.read_table(store.path("shards/pre/index.parquet"), columns=["task", "source", "language", "tokens"])
    yield from ((r["source"], r["language"], r["tokens"]) for r in table.to_pylist() if r["task"] == task)


def held(store: Store, task: str) -> Counter[str]:
    """Tokens of each source in the first pass, from the composed parts themselves."""
    report: Counter[str] = Counter()
    for name in store.names(f"compose/{task}/pass-0", ".parquet"):
        report[name.split("/")[3]] += sum(pq.read_table(store.path(name), columns=["tokens"])["tokens"].to_pylist())
    return report


def check(rows: list[tuple[str, int]], shares: dict[str, float]) -> None:
    """Every prefix within one sample: the longest of the source, and its share of the longest of all."""
    longest = {key: max(tokens for name, tokens in rows if name == key) for key in shares}
    got: Counter[str] = Counter()
    for name, tokens in rows:
        got[name] += tokens
        for key, share in shares.items():
            allowed = (1 - share) * longest[key] + share * max(longest.values()) + 1e-3
            assert abs(got[key] - share * got.total()) <= allowed, (key, dict(got))


@pytest.mark.parametrize("task", [t for t in TASKS if t not in ("speech", "asr")])
def test_sources_are_drawn_as_they_hold_at_every_prefix(corpus: Store, task: str) -> None:
    amounts = held(corpus, task)
    assert set(amounts) == set(TASKS[task][1])
    check([(s, n) for s, _, n in draws(corpus, task)], {s: n / amounts.total() for s, n in amounts.items()})


def test_declared_sources_are_drawn_as_declared(corpus: Store) -> None:
    check([(s, n) for s, _, n in draws(corpus, "speech")], {s: (2 if s == "large" else 1) / 6 for s in SOURCES})


def test_languages_are_tempered_and_sources_below_them_as_held(corpus: Store) -> None:
    amounts = held(corpus, "asr")
    by_language = {lang: sum(n for s, n in amounts.items() if SOURCES[s][0] == lang) for lang in ("en", "de")}
    roots = {lang: n**0.5 for lang, n in by_language.items()}
    rows = list(draws(corpus, "asr"))
    check([(lang, n) for _, lang, n in rows], {lang: root / sum(roots.values()) for lang, root in roots.items()})
    for lang, whole in by_language.items():
        shares = {s: n / whole for s, n in amounts.items() if SOURCES[s][0] == lang}
        check([(s, n) for s, of, n in rows if of == lang], shares)


def test_the_audit_shows_it(corpus: Store, weft: Callable[..., tuple[int, str, str]]) -> None:
    report = audit(corpus, read_pipeline(corpus.path("recipe.yaml")), deep=True)
    assert report.faults == ()
    (stage,) = report.stages
    assert {s.path for s in stage.shares} >= {
        f"{task}/{s}" for task, (_, of) in TASKS.items() if task != "asr" for s in of
    }
    assert all(s.worst <= s.sample for s in stage.shares)
    code, shown, _ = weft("audit", corpus.url)
    assert code == 0 and "asr/de/small" in shown and "within one sample" in " ".join(shown.split())
