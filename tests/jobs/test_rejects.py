"""What was rejected: listed, counted, told at the end of a build, which fails where a whole source or language was."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from weft.jobs.build import build, write_recipe
from weft.jobs.commands import console, open_corpus, read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.failures import BuildError
from weft.jobs.rejects import RejectFilter, rejects_of, show_end
from weft.pipelines.audio.sound import flac
from weft.pipelines.storage.store import Store

Weft = Callable[..., tuple[int, str, str]]


def built(root: Path, sources: str, more: str = "align: {use: none}\n") -> str:
    (root / "recipe.yaml").write_text(f"name: small\nsources: {sources}\n{more}")
    pipeline, store = read_pipeline(str(root / "recipe.yaml")), Store(str(root / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    return store.url


def clip(path: Path, amplitude: float = 0.3) -> None:
    path.parent.mkdir(exist_ok=True)
    noise = np.random.default_rng(1).normal(0, 0.1, 16000).clip(-1, 1)
    path.write_bytes(flac((amplitude * noise).astype(np.float32), 16000))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One clip is good and three are silent or no audio; of another source all are no audio."""
    root = tmp_path_factory.mktemp("rejects")
    clip(root / "some/good.flac")
    (root / "some/good.txt").write_text("words")
    clip(root / "some/silent.flac", amplitude=0.0)
    for name in ("some/bad[red]1.wav", "some/bad2.wav", "none/one.wav", "none/two.wav"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"this is no audio at all")
    sources = f"{{some: {{use: folder, path: {root}/some}}, none: {{use: folder, path: {root}/none}}}}"
    return built(root, sources)


def test_a_row_an_item_and_counts_by_reason(weft: Weft, corpus: str) -> None:
    code, output, _ = weft("rejects", corpus)
    assert code == 0 and "bad[red]1.wav" in output and "silent.flac" in output and "ingest/some" in output
    assert (
        "ingest/none: not_audio" in output
        and "By reason" in output
        and "stage/source" in output
        and "node" not in output
    )


def test_rejects_as_json_of_one_source_and_reason(weft: Weft, corpus: str) -> None:
    code, output, _ = weft("rejects", corpus, "--source", "some", "--reason", "silent", "--json")
    record = json.loads(output)
    assert code == 0 and [r["path"] for r in record["rejects"]] == ["silent.flac"]
    assert record["counts"] == [{"node": "ingest/some", "reason": "silent", "items": 1}] and record["more"] == 0


def test_a_limit_says_how_many_more_there_are(weft: Weft, corpus: str) -> None:
    output = weft("rejects", corpus, "--limit", "1")[1]
    assert "… and 4 more" in output
    assert json.loads(weft("rejects", corpus, "--limit", "1", "--json")[1])["more"] == 4
    assert "more; `--limit" not in weft("rejects", corpus, "--limit", "0")[1]


def test_a_filter_that_matches_no_reject_says_which_reasons_there_are(weft: Weft, corpus: str) -> None:
    code, output, _ = weft("rejects", corpus, "--source", "none", "--reason", "silnt")
    assert code == 0
    assert output == "no reject is of --reason silnt --source none; reasons in this corpus: not_audio, silent\n"


def test_a_source_that_is_not_there(weft: Weft, corpus: str) -> None:
    code, _, output = weft("rejects", corpus, "--source", "sume")
    assert code == 2 and "--source sume: the corpus has no such source; known: some, none" in output


def test_a_build_ends_with_what_was_rejected_and_fails_where_a_source_was(weft: Weft, corpus: str) -> None:
    recipe = str(Path(corpus).parent / "recipe.yaml")
    code, output, _ = weft("build", recipe, "--out", corpus, "--engine", "local")
    assert code == 1 and "2 not_audio (ingest/none)" in output and f"`weft rejects {corpus}` shows them" in output
    assert "source none: ingest rejected all of it (2 not_audio)" in output and "source some" not in output


@pytest.fixture
def unfinished(tmp_path: Path) -> str:
    """A corpus of which one part is not made: of three clips one is away, and one is no audio."""
    clip(tmp_path / "raw/good.flac")
    (tmp_path / "raw/bad.wav").write_bytes(b"this is no audio at all")
    (tmp_path / "raw/away.wav").symlink_to(tmp_path / "nowhere.wav")
    with pytest.raises(BuildError, match="some items cannot be read now"):
        built(tmp_path, f"{{raw: {{use: folder, path: {tmp_path}/raw}}}}")
    return str(tmp_path / "corpus")


def test_rejects_of_a_part_that_is_unfinished(weft: Weft, unfinished: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, output, _ = weft("rejects", unfinished)
    flat = " ".join(output.split())
    assert code == 0 and "bad.wav" in output and "ingest/raw: not_audio" in output
    assert f"2 parts are not made yet, and may reject more: `weft status {unfinished}` shows which" in flat
    record = json.loads(weft("rejects", unfinished, "--json")[1])
    assert record["unmade_parts"] == 2 and [r["path"] for r in record["rejects"]] == ["bad.wav"]
    assert weft("inspect", unfinished, "bad.wav")[0] == 2
    show_end(console, *open_corpus(unfinished))
    assert capsys.readouterr().out.startswith("rejected: 1 not_audio (ingest/raw); ")


def test_rejects_so_far_of_other_settings_do_not_count(weft: Weft, unfinished: str) -> None:
    recipe = Path(unfinished).parent / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("use: folder", "use: folder, language: de"))
    write_recipe(read_pipeline(str(recipe)), Store(unfinished))
    output = " ".join(weft("rejects", unfinished)[1].split())
    assert output.startswith("nothing was rejected so far 2 parts are not made yet")


def test_a_language_that_no_stage_let_pass_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for n, language in enumerate(("en", "de", "de")):
        clip(tmp_path / f"{n}.flac")
        words = ', "words": [["word", 0.1, 0.4]]' if language == "en" else ""
        rows.append(f'{{"audio": "{n}.flac", "text": "word", "language": "{language}"{words}}}\n')
    (tmp_path / "m.jsonl").write_text("".join(rows))
    corpus = built(tmp_path, f"{{mixed: {{use: manifest, path: {tmp_path}/m.jsonl}}}}", "align: {use: given}\n")
    store, pipeline = open_corpus(corpus)
    assert {row.reject.key[:2] for row in rejects_of(store, pipeline, RejectFilter())} == {"1-", "2-"}
    assert show_end(console, store, pipeline) == ["language de: align rejected all 2 utterances of mixed"]


def test_nothing_rejected_says_nothing_at_the_end(weft: Weft, text_corpus: str) -> None:
    assert show_end(console, *open_corpus(text_corpus)) == []
    assert weft("rejects", text_corpus)[1] == "nothing was rejected\n"


def test_the_passes_of_a_task_are_one_kind_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n, text in enumerate(("one", "one two three four")):
        clip(tmp_path / f"raw/{n}.flac")
        (tmp_path / f"raw/{n}.words.json").write_text(timed(text))
    more = """align: {use: given}
tokenizers: {cepstra: {use: cepstra, size: 8}}
text: {use: bpe, size: 300}
tasks: {words: {use: words, sources: [mine], text_words: [2, 2], speech_words: [2, 2]}}
training:
  pretrain:
    mixture: {unit: samples, total: 3, shares: {words: 1}, exhausted: repeat, passes: 3}
    context: 64
    model: {config: {model_type: llama}}
    optimiser: {lr: 0.001, batch_tokens: 64}
"""
    corpus = built(tmp_path, f"{{mine: {{use: folder, path: {tmp_path}/raw}}}}", more)
    store, pipeline = open_corpus(corpus)
    assert len(list(rejects_of(store, pipeline, RejectFilter(reason="too_few_words")))) == 3
    show_end(console, store, pipeline)
    assert capsys.readouterr().out.startswith("rejected: 1 too_few_words (compose/words/pass-0/mine); ")


def timed(text: str) -> str:
    """Words of a tenth of a second each."""
    words = [{"word": word, "start": n / 10, "end": (n + 1) / 10} for n, word in enumerate(text.split())]
    return json.dumps({"segments": [{"start": 0.0, "end": 1.0, "text": text, "words": words}]})


def test_a_file_that_was_rejected_says_so_where_a_sample_is_asked_for(weft: Weft, corpus: str) -> None:
    code, _, output = weft("inspect", corpus, "silent.flac")
    assert code == 2 and "silent.flac: no sample, because ingest/some rejected it: silent (" in output


def test_a_build_that_fails_tells_first_what_was_rejected(weft: Weft, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.wav").write_bytes(b"")
    (tmp_path / "raw" / "a.txt").write_text("a word")
    (tmp_path / "r.yaml").write_text(
        f"name: r\nsources:\n  mine: {{use: folder, path: {tmp_path / 'raw'}}}\nalign: {{use: none}}\n"
        "tokenizers:\n  cepstra: {use: cepstra, size: 8}\ntasks:\n  speech: {use: speech, sources: [mine]}\n"
        "text: {use: bpe, size: 300}\n"
    )
    code, output, errors = weft("build", tmp_path / "r.yaml", "--out", tmp_path / "corpus", "--engine", "local")
    assert (
        code != 0
        and "rejected: 1 empty_file (ingest/mine)" in output
        and "source mine: ingest rejected all of it" in output
    )
    assert errors
