"""`weft demo`: builds a corpus from speech that it synthesises, audits it and trains a model, in minutes.

    demo/raw/       a few hundred sentences in many voices: audio files with text files beside them
    demo/raw.jsonl  the same with the name of each speaker, for other recipes
    demo/talks/     some of them again, several in a recording, for other recipes
    demo/books/     text
    demo/recipe.yaml  demo/corpus/  demo/run/

A second run reuses finished work.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from weft.jobs.building import build_corpus
from weft.jobs.commands import console, read_pipeline
from weft.jobs.demo_talks import write_once, write_talks
from weft.jobs.printing import escape
from weft.jobs.samples import find_where
from weft.jobs.show import show_audit, table
from weft.jobs.training import run_training
from weft.pipelines.audio.sound import flac
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.audit import audit
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Style, style_for
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.grammar import documents, sentences
from weft.schemas.audio import Alignment
from weft.schemas.audit import Audit
from weft.schemas.counting import are, counted
from weft.schemas.faults import RecipeError
from weft.trainer import checkpoint, losses

SENTENCES, SPEAKERS, DOCUMENTS, SEED = 360, 48, 240, 7
# espeak-ng accents and variants that an acoustic model of American speech can follow
ACCENTS = ("gmw/en", "gmw/en-GB-x-rp", "gmw/en-US", "gmw/en-US-nyc")
CAST = (
    "Denis", "Diogo", "Henrique", "Hugo", "Nguyen", "Reed", "adam", "antonio", "benjamin", "caleb", "edward",
    "edward2", "f1", "f2", "f3", "f4", "f5", "m2", "m3", "m5", "m6", "michel", "miguel", "mike2", "pablo", "sandro",
)  # fmt: skip


@dataclass
class DemoLog:
    """Prints what the demo does, with the seconds since it began."""

    began: float

    def write(self, line: str) -> None:
        console.print(f"[bold cyan]{time.monotonic() - self.began:6.1f} s[/]  {line}", highlight=False)


def run_demo(out: Path, speech: Sequence[str], engine: str, workers: int | None) -> None:
    """Synthesises speech, builds, audits, trains and prints a summary. Raises RecipeError for missing `speech`."""
    log = DemoLog(time.monotonic())
    log.write(speak_raw(out / "raw"))
    log.write(write_talks(out / "raw", out / "talks"))
    log.write(write_books(out / "books"))
    recipe = write_demo_recipe(out, speech)
    pipeline = read_pipeline(str(recipe))
    log.write(f"building {escape(str(out / 'corpus'))} from {escape(str(recipe))}")
    progress = build_corpus(pipeline, str(out / "corpus"), engine, address=None, workers=workers)
    if kept := progress.kept.total():
        log.write(f"{kept:,} of {counted(progress.expected.total(), 'part')} reused")
    log.write("auditing")
    report = audit(Store(str(out / "corpus")), pipeline)
    show_audit(console, report)
    log.write(train_or_keep(pipeline, out))
    show_summary(out, report)
    log.write("done")
    if report.faults:
        raise RuntimeError(f"{counted(len(report.faults), 'promise')} {are(len(report.faults))} broken")


def speak_raw(folder: Path) -> str:
    """Synthesises the sentences that are missing, and writes each as audio with its text beside it."""
    voice = Voice(variants=CAST)
    voice.setup()
    cast = [style for style in voice.styles() if style[0] in ACCENTS]
    written = 0
    for number, sentence in enumerate(sentences(SENTENCES, SEED)):
        stem = folder / f"speaker{number % SPEAKERS:02d}" / f"{number:04d}"
        style = style_for(f"speaker {number % SPEAKERS}", seed=SEED, cast=cast)
        written += write_once(stem.with_suffix(".flac"), partial(_spoken, voice, sentence, style))
        write_once(stem.with_suffix(".txt"), partial(str.encode, f"{sentence}\n"))
    write_once(folder.with_suffix(".jsonl"), lambda: "".join(_manifest_lines(folder)).encode())
    return f"spoke {written} sentences in {SPEAKERS} voices to {escape(str(folder))}, {SENTENCES - written} were kept"


def _manifest_lines(raw: Path) -> Iterator[str]:
    """A manifest of `raw`, which lies beside it: a folder names no speakers."""
    for path in sorted(raw.glob("*/*.flac")):
        line = {
            "audio": path.relative_to(raw.parent).as_posix(),
            "text": path.with_suffix(".txt").read_text("utf-8").strip(),
            "speaker": path.parent.name,
        }
        yield json.dumps(line) + "\n"


def _spoken(voice: Voice, text: str, style: Style) -> bytes:
    speech = voice.speak(text, style)
    return flac(speech.samples, speech.rate)


def write_books(folder: Path) -> str:
    is_new = write_once(folder / "grammar.txt", lambda: "\n\n".join(documents(DOCUMENTS, SEED)).encode())
    return f"{'wrote' if is_new else 'kept'} {DOCUMENTS} paragraphs of text in {escape(str(folder))}"


def write_demo_recipe(out: Path, speech: Sequence[str]) -> Path:
    """The recipe of this demo: the shipped recipe with the demo's paths, and the user's speech as further sources."""
    user_speech = {f"yours-{n}" if n else "yours": path for n, path in enumerate(speech)}
    for path in user_speech.values():
        if not Path(path).exists() and "://" not in path:
            raise RecipeError(f"--speech {path}: no such folder or manifest")
    sources: dict[str, object] = {"speech": {"path": str(out / "raw")}, "books": {"path": str(out / "books")}}
    sources |= {name: {"use": "folder", "path": path} for name, path in user_speech.items()}
    spoken = ["speech", "dialogues", *user_speech]
    recipe = {
        "extends": "demo",
        "sources": sources,
        "tokenizers": {"hubert": {"sources": ["speech", *user_speech]}},
        "tasks": {"speech": {"sources": spoken}, "words": {"sources": spoken}},
    }
    out.mkdir(parents=True, exist_ok=True)
    recipe_file = out / "recipe.yaml"
    recipe_file.write_text(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True), "utf-8")
    return recipe_file


def train_or_keep(pipeline: Pipeline, out: Path) -> str:
    """Trains, or keeps a finished run of the same shards and settings."""
    run, stage = out / "run", pipeline.recipe.training["pretrain"]
    last = checkpoint.latest(run / "pretrain")
    try:
        run_training(pipeline, str(out / "corpus"), "pretrain", run, resume=(run / "pretrain").exists())
    except ValueError as difference:  # the run on disk is of other shards or settings
        if last is None:
            raise
        run.rename(run.with_name(f"run-before-{int(time.time())}"))
        console.print(f"the earlier run was renamed: {escape(str(difference))}", highlight=False)
        run_training(pipeline, str(out / "corpus"), "pretrain", run, resume=False)
        return "trained again"
    kept = last is not None and last.name == checkpoint.folder_of(run / "pretrain", stage.optimiser.steps).name
    return "kept the trained run" if kept else "trained"


def show_summary(out: Path, report: Audit) -> None:
    store = Store(str(out / "corpus"))
    console.rule("summary")
    for node in report.nodes:
        if node.node.startswith("segment/"):
            hours = node.seconds_out / 3600
            console.print(
                f"{node.node.split('/')[1]}: {hours:.3f} h in {counted(node.items_out, 'utterance')}", highlight=False
            )
    stage = report.stages[0]
    shares = ", ".join(f"{t.task} {t.realised:.2%} (declared {t.declared:.2%})" for t in stage.tasks)
    console.print(f"tokens: {sum(t.tokens for t in stage.tasks):,}: {shares}", highlight=False)
    rejected = ", ".join(f"{r.items} {r.reason}" for r in report.rejects)
    shown = f"; `weft rejects {out / 'corpus'}` shows them" if rejected else ""
    console.print(f"rejects: {escape(rejected or 'none')}{escape(shown)}", highlight=False)
    _show_alignment(store)
    _show_losses(out / "run" / "pretrain")
    sample = find_where(store, "pretrain", lambda row: row.text_tokens > 0 and row.speech_tokens > 0)
    places = {
        "recipe": "recipe.yaml",
        "corpus": "corpus",
        "shards": "corpus/shards/pretrain",
        "run": "run",
        "loss curves": "run/pretrain/losses.png",
    }
    for name, place in places.items():
        console.print(f"{name:<12} {escape(str(out / place))}", highlight=False)
    if sample:
        corpus = escape(str(out / "corpus"))
        console.print(f"look at one  weft inspect {corpus} {sample.key}", highlight=False)
        console.print(f"and others   weft inspect {corpus} --list --task words", highlight=False)


def _show_alignment(store: Store) -> None:
    """Prints the words of the first aligned utterance of the raw speech."""
    for name in store.names("align/speech", ".parquet"):
        for alignment in read_part(store, name, Alignment)[:1]:
            timed = "  ".join(f"{w.text} {w.start:.2f}–{w.end:.2f}" for w in alignment.words[:8])
            console.print(f"alignment: {alignment.key}: {timed} …", highlight=False)
            return


def _show_losses(run: Path) -> None:
    rows = list(losses.read(run))
    last = max(row.step for row in rows)
    shown = table("Loss, nats a token", "task", "first steps", "last steps")
    for task in dict.fromkeys(row.task for row in rows):
        ends = [_mean(rows, task, span) for span in (range(1, 4), range(last - 2, last + 1))]
        shown.add_row(task, *(f"{loss:.3f}" for loss in ends))
    console.print(shown)


def _mean(rows: Sequence[losses.LossRow], task: str, steps: range) -> float:
    of_task = [r for r in rows if r.task == task and r.step in steps]
    return sum(r.loss * r.tokens for r in of_task) / max(1, sum(r.tokens for r in of_task))
