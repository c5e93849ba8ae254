"""All that is wrong with a recipe is reported at once, each mistake with its line and none that only follows from another."""

from collections.abc import Callable
from pathlib import Path

import pytest

from weft.jobs.mistakes import mistakes
from weft.schemas import recipe_file

Weft = Callable[..., tuple[int, str, str]]

BAD = """name: bad
sede: 3
sources:
  speech: {use: folder, path: /nowhere/a}
  books: {use: text, path: /nowhere/b, documents: paragraf}
  calls: {use: foldr, path: x}
align: {use: adapted, min_fitt: 2}
tokenizers:
  hubert: {use: hubert, sources: [speech, spech], sise: 100, rate: 30}
text: {use: bpe, sources: [books], size: 100}
tasks:
  words: {use: words, sources: [speech, callls], stream: hubrt}
  text: {use: text, sources: [books]}
  speech: {use: speech, sources: [books]}
training:
  pretrain:
    mixture: {total: 300, shares: {text: 1, wrds: 2}}
    context: 64
    model: {config: {model_type: llama}}
    optimiser: {lr: fast, batch_tokens: 64}
"""
WRONG = (
    (2, "sede: no such setting"),
    (5, "sources.books.documents: input should be 'file' or 'paragraph'"),
    (6, "sources.calls.use: unknown source 'foldr'"),
    (7, "align.min_fitt: no such setting"),
    (9, "tokenizers.hubert.sources: 'spech' is not declared"),
    (9, "tokenizers.hubert.rate: "),
    (9, "tokenizers.hubert.sise: no such setting"),
    (10, "text.size: input should be greater than or equal to 257"),
    (12, "tasks.words.sources: 'callls' is not declared"),
    (12, "tasks.words.stream: 'hubrt' is neither under `tokenizers:`"),
    (14, "tasks.speech.sources: 'books' gives documents, this task takes utterances"),
    (17, "training.pretrain.mixture: 'wrds' is not declared"),
    (20, "training.pretrain.optimiser.lr: input should be a valid number"),
)


LATE = """name: bad
shards: {bytes: 12}
vocabulary: {tokens: [{marker: text, literal: "[T]"}, {marker: speech, literal: "[T]"}], multiple: 0, pad_to: 10}
quality: {snr: high}
sources:
  speech: {use: folder, path: /nowhere/a, hold_out: {speakers: 1.5}}
  books: {use: text, path: /nowhere/b, language: 7}
  man: {use: manifest, path: /nowhere/m.jsonl}
segment: {use: silero, longest: -3}
align: {use: adapted, language: xx-nope}
synthesize: {use: espeak, speed: fastest}
tokenizers:
  hubert: {use: hubert, sources: [speech], model: /nowhere/hubert, layer: 3}
  pitch: {use: pitch, folder: /nowhere/pitch}
text: {use: bpe, size: 10}
tasks:
  words: {use: words, sources: [speech], text_words: [5, 2]}
  text: {use: text, sources: [books], split: trian}
training:
  pretrain:
    mixture: {total: -5, shares: {text: 1}}
    model: {base: /nowhere/llama}
    optimiser: {lr: -1, batch_tokens: 64, betas: [2, 3], scheduel: cosine}
  second:
    mixture: {total: 100, shares: {text: 1}, exhausted: repeat}
    context: 100
    model: {config: {model_type: llama}, base: x}
    optimiser: {lr: 1, batch_tokens: 64, weight_decay: -1, clip: -2, lr_end: -1}
"""
INVALID = (
    "2: shards.bytes", "3: vocabulary.tokens: two entries have `literal: [T]`", "3: vocabulary.multiple", "4: quality.snr",
    "6: sources.speech.hold_out.speakers", "7: sources.books.language", "9: segment.longest", "10: align.language",
    "11: synthesize.speed", "14: tokenizers.pitch.folder", "15: text.size", "17: tasks.words.text_words",
    "17: tasks.words.stream", "18: tasks.text.split",
    "20: training.pretrain.context: this has to be given", "21: training.pretrain.mixture.total",
    "23: training.pretrain.optimiser.lr", "23: training.pretrain.optimiser.betas.0", "23: training.pretrain.optimiser.betas.1",
    "23: training.pretrain.optimiser.scheduel", "25: training.second.mixture", "27: training.second.model",
    "28: training.second.optimiser.lr_end", "28: training.second.optimiser.weight_decay", "28: training.second.optimiser.clip",
    "28: training.second.optimiser: `batch_tokens` must be a multiple of `context`",
)  # fmt: skip
MISSING = (
    "6: sources.speech.path", "7: sources.books.path", "8: sources.man.path", "13: tokenizers.hubert.model",
    "22: training.pretrain.model.base: /nowhere/llama", "27: training.second.model.base",
)  # fmt: skip


HIDDEN = """name: bad
name: bad
sources:
  speech: {use: folder, path: .}
  speech: {use: folder, path: .}
  Books: {use: text, path: ., documents: paragraf}
tokenizers:
  hubert: {use: hubrt, sources: [spech]}
  fsq: {use: fsq, levels: [2, 2], size: 7, rate: 13}
tasks:
  a: {use: words, sources: [spech], text_words: [5, 2], speech_words: [1]}
  b: {use: words, sources: [speech], split: trian, speech_words: [3, 1]}
training:
  pretrain:
    mixture: {unit: tokns, total: 300, shares: {a: -1, b: {weight: 1, by: [{source: {speech: 0}}]}}, exhausted: repeat}
    context: 64
    model: {config: {vocab_size: 3, max_position_embeddings: 32}, dtype: int8}
    optimiser: {lr: 1, batch_tokens: 65, schedule: cosine, lr_end: 2, warmup: -1}
  sft:
    mixture: {budgets: {a: 1, b: 1}}
    context: 64
    model: {config: {model_type: llama, max_position_embeddings: 32}}
    optimiser: {lr: 1, batch_tokens: 65}
"""
BEHIND = (
    (2, "`name` is given twice"),
    (3, "sources: 'Books' is no name"),
    (5, "`speech` is given twice"),
    (6, "sources.Books.documents: input should be 'file' or 'paragraph'"),
    (8, "tokenizers.hubert.sources: 'spech' is not declared"),
    (8, "tokenizers.hubert.use: unknown tokenizer 'hubrt'"),
    (9, "tokenizers.fsq.rate: fsq codes come at"),
    (9, "tokenizers.fsq: `levels` [2, 2] make 4 codes, but `size` is 7"),
    (11, "tasks.a.sources: 'spech' is not declared"),
    (11, "tasks.a.text_words: a span of 5 to 2 words is no range"),
    (11, "tasks.a.speech_words: the list has too few values"),
    (12, "tasks.b.split: input should be"),
    (12, "tasks.b.speech_words: a span of 3 to 1 words is no range"),
    (15, "training.pretrain.mixture.unit: input should be"),
    (15, "training.pretrain.mixture.shares: the amount of 'a' must be a number above 0"),
    (15, "training.pretrain.mixture.shares.b.float: "),
    (15, "training.pretrain.mixture.shares.b.TaskShare.by: every share in `by` must be a number above 0"),
    (15, "training.pretrain.mixture.passes: `passes` above 1 and `exhausted: repeat` go together"),
    (17, "training.pretrain.model.config: leave `vocab_size` out"),
    (17, "training.pretrain.model.config: the model's config needs a `model_type`"),
    (17, "training.pretrain.model.dtype: input should be"),
    (18, "training.pretrain.optimiser.warmup: input should be"),
    (18, "training.pretrain.optimiser: `lr_end` must be below `lr`"),
    (18, "training.pretrain.optimiser: `batch_tokens` must be a multiple of `context`"),
    (22, "training.sft.model: the context is 64 tokens, but the model attends over 32 at most"),
    (23, "training.sft.optimiser: `batch_tokens` must be a multiple of `context`"),
)


ABSURD = """name: bad
stages_in_memory: 0
sources:
  speech: {use: folder, path: ., limits: {shortest: -1, silence: 1.5, clipped: 2, lowest_rate: 0, slack: .inf}}
  tars: {use: tars, path: ., limits: {transcript: 3, table: 1.0e+12, line: many, longest: 3}}
  saved: {use: huggingface, path: ., rows: 0}
  books: {use: text, path: ., expanded: 12}
  talks: {use: script, path: ., limits: {line: 0, table: 3}}
segment: {use: silero, slack: -0.1, silence: 1}
synthesize: {use: espeak, loudness: 3}
tokenizers:
  hubert: {use: hubert, training: {codebook_frames: 0, adamw: {betas: [0.9, 1], warmup: 0, weight_decay: -1}}}
  pitch: {use: pitch, training: {adamw: {clip: .nan}}}
  style: {use: style, training: {adamw: {warmup: 1}}}
  fsq: {use: fsq, training: {adamw: {lr: 1}}}
"""
REFUSED = (
    "2: stages_in_memory: input should be greater than or equal to 1",
    "4: sources.speech.limits.shortest: input should be greater than or equal to 0",
    "4: sources.speech.limits.silence: input should be less than 1",
    "4: sources.speech.limits.clipped: input should be less than or equal to 1",
    "4: sources.speech.limits.lowest_rate: input should be greater than or equal to 1000",
    "4: sources.speech.limits.slack: input should be less than or equal to 3600",
    "5: sources.tars.limits.transcript: input should be greater than or equal to 1024",
    "5: sources.tars.limits.table: input should be less than or equal to 17179869184",
    "5: sources.tars.limits.line: input should be a valid integer",
    "5: sources.tars.limits.longest: no such setting",
    "6: sources.saved.rows: input should be greater than or equal to 1",
    "7: sources.books.expanded: input should be greater than or equal to 1024",
    "8: sources.talks.limits.line: input should be greater than or equal to 1024",
    "8: sources.talks.limits.table: no such setting",
    "9: segment.slack: input should be greater than or equal to 0",
    "9: segment.silence: input should be less than 1",
    "10: synthesize.loudness: input should be less than or equal to 0",
    "12: tokenizers.hubert.training.codebook_frames: input should be greater than or equal to 2",
    "12: tokenizers.hubert.training.adamw.betas.1: input should be less than 1",
    "12: tokenizers.hubert.training.adamw.warmup: input should be greater than 0",
    "12: tokenizers.hubert.training.adamw.weight_decay: input should be greater than or equal to 0",
    "13: tokenizers.pitch.training.adamw.clip: input should be a finite number",
    "14: tokenizers.style.training.adamw.warmup: input should be less than 1",
    "15: tokenizers.fsq.training.adamw.lr: no such setting",
)


def test_absurd_limits_are_refused_each_with_its_line(weft: Weft, tmp_path: Path) -> None:
    code, _, output = weft("validate", write(tmp_path, ABSURD))
    told = output.splitlines()
    assert code == 2 and len(told) == len(REFUSED), output
    for sentence in REFUSED:
        assert sum(f"bad.yaml line {sentence}" in one for one in told) == 1, sentence


def write(folder: Path, text: str) -> str:
    (folder / "bad.yaml").write_text(text)
    return str(folder / "bad.yaml")


def test_every_mistake_of_every_layer_is_reported_once_by_its_line(tmp_path: Path) -> None:
    messages = mistakes(recipe_file.read(write(tmp_path, BAD))).wrong
    assert len(messages) == len(WRONG)
    for line, sentence in WRONG:
        assert sum(message.startswith(f"bad.yaml line {line}: {sentence}") for message in messages) == 1, sentence


def test_one_call_of_validate_tells_them_with_the_paths_that_are_not_there(weft: Weft, tmp_path: Path) -> None:
    code, _, output = weft("validate", write(tmp_path, BAD))
    assert code == 2 and len(output.splitlines()) == len(WRONG) + 2
    assert "bad.yaml line 4: sources.speech.path: /nowhere/a is not there" in output
    assert "bad.yaml line 5: sources.books.path: /nowhere/b is not there" in output


def test_mistakes_that_would_show_late_are_reported_beside_those_that_hide_them(tmp_path: Path) -> None:
    listed = mistakes(recipe_file.read(write(tmp_path, LATE)))
    for messages, wanted in ((listed.wrong, INVALID), (listed.missing, MISSING)):
        assert len(messages) == len(wanted)
        for place, sentence in zip(wanted, messages, strict=True):
            assert sentence.startswith(f"bad.yaml line {place}")


@pytest.mark.parametrize(("line", "sentence"), BEHIND)
def test_a_mistake_is_not_hidden_by_others_of_its_section(line: int, sentence: str, hidden: tuple[str, ...]) -> None:
    assert sum(message.startswith(f"bad.yaml line {line}: {sentence}") for message in hidden) == 1


@pytest.mark.parametrize(
    "section",
    [
        "align: {use: ./nofile.py, least: 0.1}",
        "segment: {use: silro, pause: 0.1}",
        "text: {use: ./nofile.py, size: 3}",
        "synthesize: {use: ./nofile.py, voice: x}",
    ],
)
def test_a_backend_that_is_not_there_is_one_mistake(tmp_path: Path, section: str) -> None:
    """Its settings are not those of the section's default."""
    recipe = write(tmp_path, f"name: bad\nsources:\n  made: {{use: grammar, count: 2}}\n{section}\n")
    (wrong,) = mistakes(recipe_file.read(recipe)).wrong
    assert wrong.startswith(f"bad.yaml line 4: {section.partition(':')[0]}.use: ")


def test_nothing_is_reported_that_follows_from_another_mistake(hidden: tuple[str, ...]) -> None:
    assert len(hidden) == len(BEHIND), hidden


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    return mistakes(recipe_file.read(write(tmp_path_factory.mktemp("hidden"), HIDDEN))).wrong


def test_overrides_that_are_none_are_reported_with_the_mistakes_of_the_recipe(weft: Weft, tmp_path: Path) -> None:
    code, _, output = weft("validate", write(tmp_path, BAD), "part_size", "=3")
    assert code == 2 and len(output.splitlines()) == len(WRONG) + 4
    for override in ("part_size", "=3"):
        assert f"override '{override}': write it as key=value" in output


def test_a_hub_name_of_a_stage_is_taken_at_its_word(tmp_path: Path) -> None:
    text = LATE.replace("base: /nowhere/llama", "base: hf://org/llama")
    assert not any(
        "pretrain.model.base" in message for message in mistakes(recipe_file.read(write(tmp_path, text))).missing
    )


def test_a_checkpoint_that_is_not_there_is_reported_by_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "extends: demo\nsources: {speech: {path: .}, books: {path: .}}\nalign: {use: ctc, model: /nowhere/ctc}\n"
        "encoder: {use: whisper, checkpoint: /nowhere/whisper}\n",
    )
    listed = mistakes(recipe_file.read(path))
    assert (listed.wrong, listed.missing) == (
        (),
        (
            "bad.yaml line 3: align.model: /nowhere/ctc: no such file or folder",
            "bad.yaml line 4: encoder.checkpoint: /nowhere/whisper: no such file or folder",
        ),
    )


def test_a_dataset_that_is_neither_there_nor_written_as_a_name_on_the_hub(weft: Weft, tmp_path: Path) -> None:
    text = (
        "name: x\nsources:\n  a: {use: huggingface, path: org/speech}\n  b: {use: huggingface, path: hf://org/speech}\n"
    )
    code, _, output = weft("validate", write(tmp_path, text))
    hint = "no such file or folder; if it is a name on the hub, write hf://org/speech"
    assert (code, output.strip()) == (2, f"bad.yaml line 3: sources.a.path: org/speech: {hint}")


def test_what_a_shipped_recipe_takes_for_an_example_is_no_mistake(
    weft: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, _ = weft("validate", "demo")
    assert code == 0 and "sources.speech.path: demo/raw is not there; `weft demo` makes it" in output


@pytest.mark.parametrize("text", ["name: x\n", "name: x\nsources: 3\n", "name: x\nsources: {a: 3}\ntasks: [1]\n"])
def test_a_recipe_of_which_little_is_left_ends(tmp_path: Path, text: str) -> None:
    assert mistakes(recipe_file.read(write(tmp_path, text))).wrong


def test_a_plan_tells_all_sources_that_are_not_there_by_their_lines(weft: Weft, tmp_path: Path) -> None:
    text = "name: x\nsources:\n  a: {use: folder, path: /nowhere/a}\n  b: {use: text, path: /nowhere/b}\n"
    code, _, output = weft("plan", write(tmp_path, text))
    assert code == 2 and "bad.yaml line 3: sources.a.path: /nowhere/a is not there; set sources.a.path" in output
    assert "bad.yaml line 4: sources.b.path: /nowhere/b is not there" in output


MATERIALS = """name: bad
sources:
  speech: {use: folder, path: .}
  books: {use: text, path: .}
  chats: {use: script, path: .}
  grammar: {use: grammar}
  sounds: {use: scenes}
tokenizers:
  hubert: {use: hubert, sources: [speech]}
templates:
  chat: {open: bot, close: eot}
  other: {open: begin, close: bot}
vocabulary:
  tokens: [{marker: bot, literal: "<|BOT|>"}, {marker: eot, literal: "<|EOT|>"}, {codes: hubert}]
tasks:
  a: {use: utterances, sources: [books], speech: {say: hubert}}
  b: {use: continuation, sources: [speech], say: hubrt}
  c: {use: dialogue, sources: [speech], template: chat, turns: [{role: assistant, say: hubert}]}
  d: {use: pairs, sources: [chats], template: chat, turns: [{role: assistant, say: {of: [text, hubrt], sizes: [1, 4]}}]}
  f: {use: pairs, sources: [chats], template: chat, cut: context, turns: [{role: assistant, say: hubert}]}
  g: {use: utterances, sources: [speech], speech: {say: hubert}, chunk: {utterances: 2, seconds: 5}}
  h: {use: text, sources: [chats], open: ""}
  i: {use: dialogue, sources: [grammar], loss: [tool], turns: &t [{role: human, say: text}, {role: assistant, say: text}]}
  j: {use: pairs, sources: [grammar], template: chat, turns: *t}
  k: {use: dialogue, sources: [chats], template: chat, turns: [{role: human, say: hubert}]}
  l: {use: pairs, sources: [chats], template: chat, loss: [human], turns: *t}
  m: {use: dialogue, sources: [grammar], split: test, template: chat, turns: *t}
  n: {use: ratio, sources: [sounds], open: "", of: [text, hubert], sizes: [1, 2]}
"""
OF_MATERIALS = (
    (16, "tasks.a.sources: 'books' gives documents, this task takes whole recordings"),
    (17, "tasks.b.say: 'hubrt' is neither under `tokenizers:` nor under `streams:`"),
    (18, "tasks.c.sources: 'speech' gives utterances, this task takes dialogues"),
    (19, "tasks.d.turns: 'hubrt' is neither under `tokenizers:` nor under `streams:`"),
    (20, "tasks.f.cut: input should be 'never'"),
    (21, "tasks.g.chunk: give either `utterances` or `seconds`"),
    (22, "tasks.h.sources: 'chats' gives dialogues, this task takes documents"),
    (23, "tasks.i.sources: 'grammar' has no turn of a role in `loss`; its roles are 'assistant', 'human'"),
    (24, "tasks.j.sources: 'grammar' has no dialogues with answers marked `chosen` and `rejected`"),
    (25, "tasks.k: `loss` names the role 'assistant', and no entry of `turns` has it: their roles are 'human'"),
    (26, "tasks.l: `loss` lacks the role of the answers, 'assistant': nothing of a pair would count"),
    (27, "tasks.m.split: nothing of 'grammar' is of the split 'test', which this task draws"),
    (28, "tasks.n.sources: 'sounds' gives no transcripts, which this task needs"),
)


def test_what_a_task_needs_and_the_recipe_does_not_give_is_reported_by_its_line(tmp_path: Path) -> None:
    wrong = mistakes(recipe_file.read(write(tmp_path, MATERIALS))).wrong
    for line, sentence in OF_MATERIALS:
        assert sum(t.startswith(f"bad.yaml line {line}: {sentence}") for t in wrong) == 1, (sentence, wrong)


@pytest.mark.parametrize(
    ("task", "marker"),
    [
        ("{use: dialogue, sources: [chats], template: other, turns: [{role: assistant, say: hubert}]}", "begin"),
        ("{use: utterances, sources: [speech], speech: {say: hubert, open: start}}", "start"),
    ],
)
def test_a_literal_of_a_task_or_its_template_that_the_vocabulary_lacks_is_reported(
    tmp_path: Path, task: str, marker: str
) -> None:
    text = MATERIALS.split("tasks:")[0] + f"tasks:\n  e: {task}\n"
    (wrong,) = mistakes(recipe_file.read(write(tmp_path, text))).wrong
    assert wrong.startswith(f"bad.yaml line 14: vocabulary.tokens: task 'e' writes the marker '{marker}'")


UNFIT = """name: bad
sources:
  sounds: {use: manifest, path: sounds.jsonl}
align: {use: none}
encoder: {use: step_audio}
vocabulary:
  tokens:
    - {marker: audio-start, literal: "<a>", modality: audio}
    - {marker: audio-patch, literal: "<p>", modality: audio}
    - {marker: audio-end, literal: "</a>", modality: audio}
tasks:
  captions: {use: turns, sources: [sounds], turns: [{role: human, say: audio}, {role: assistant, say: {field: caption}}]}
"""


def test_a_manifest_without_the_field_of_its_task_is_refused_by_plan_and_by_build(
    weft: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sounds.jsonl").write_text('{"audio": "a.wav", "question": "What?"}\n{"audio": "b.wav"}\n')
    recipe = write(tmp_path, UNFIT)
    lacks = "'sounds' never gives the field 'caption' (its fields are question), which this task needs"
    sentence = f"{lacks}: so it is with all of its 2 records"
    assert weft("validate", recipe)[0] == 0  # which reads no data
    code, _, errors = weft("plan", recipe)
    assert code == 2 and errors == f"bad.yaml line 12: tasks.captions.sources: {sentence}\n"
    code, _, errors = weft("build", recipe, "--out", tmp_path / "corpus", "--engine", "local")
    assert code == 2 and errors == f"tasks.captions.sources: {sentence}\n"
    assert not list((tmp_path / "corpus").rglob("*.parquet"))
