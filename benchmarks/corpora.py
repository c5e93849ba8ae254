"""`make corpora`: the four systems in small, built and audited one after another, with their minutes and verdicts.

    python benchmarks/corpora.py corpora      ->  corpora/demo  corpora/spirit-lm-base-small  …

A tokenizer that two of them use is trained once: the second takes it from the first's corpus. What is built is kept.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from weft.benchmarks.support.processor import ProcessorClock
from weft.jobs.building import build_corpus
from weft.jobs.commands import console, open_corpus, read_pipeline
from weft.jobs.demo import speak_raw, write_books
from weft.jobs.demo_talks import write_talks
from weft.jobs.show import show_audit, table
from weft.pipelines.mixing.audit import audit
from weft.schemas.counting import are, counted

# each with the tokenizers that it takes from a corpus before it
SYSTEMS = {
    "spirit-lm-base-small": {},
    "spirit-lm-expressive-small": {"hubert": "spirit-lm-base-small/models/hubert"},
    "step-audio-2-small": {},
    "step-audio-aqaa-small": {"semantic": "step-audio-2-small/models/fsq"},
}


@dataclass(frozen=True)
class Built:
    """A system's corpus: the minutes of its build by the clock and of all processors, samples in its shards, the audit's faults."""

    minutes: float
    processor_minutes: float
    samples: int
    faults: list[str]

    @property
    def verdict(self) -> str:
        count = len(self.faults)
        return f"{counted(count, 'promise')} {are(count)} broken" if count else "every promise is kept"


def build_and_audit(recipe: str, engine: str) -> Built:
    pipeline = read_pipeline(recipe, [f"tokenizers.{name}.folder={at}" for name, at in SYSTEMS[recipe].items()])
    began = time.monotonic()
    with ProcessorClock() as clock:
        build_corpus(pipeline, recipe, engine, None, None)
    minutes = (time.monotonic() - began) / 60
    report = audit(*open_corpus(recipe), deep=True)  # as `weft audit --deep` does
    show_audit(console, report)
    samples = sum(task.samples for stage in report.stages for task in stage.tasks)
    return Built(minutes=minutes, processor_minutes=clock.seconds / 60, samples=samples, faults=list(report.faults))


def main(folder: str, engine: str = "auto") -> int:
    Path(folder).mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    raw, talks, books = (Path("demo") / name for name in ("raw", "talks", "books"))
    for line in (speak_raw(raw), write_talks(raw, talks), write_books(books)):
        console.print(line, highlight=False)
    rows = table("The four systems in small", "recipe", "minutes", "processor minutes", "samples", "audit")
    broken = 0
    for recipe in SYSTEMS:
        console.rule(recipe)
        built = build_and_audit(recipe, engine)
        broken += len(built.faults)
        times = (f"{built.minutes:.1f}", f"{built.processor_minutes:.1f}")
        rows.add_row(recipe, *times, f"{built.samples:,}", built.verdict)
    console.print(rows)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or ["corpora"]))
