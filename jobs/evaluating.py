"""`weft tokenizer evaluate`: measures trained tokenizers on speech that they were not trained on.

Speech is aligned by the default aligner to get its phones. A measure is left out where its labels are missing: phones, speakers,
emotions.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from math import isnan, nan
from pathlib import Path

from weft.jobs.building import build_corpus
from weft.jobs.commands import console, make_pipeline
from weft.jobs.printing import escape
from weft.jobs.show import table
from weft.jobs.tokenizing import recipe_of, trained_tokenizers
from weft.pipelines.audio.sound import load_utterance
from weft.pipelines.graph import Pipeline
from weft.pipelines.merge import stream_of
from weft.pipelines.models.folders import verified_folder
from weft.pipelines.models.inputs import speech_of
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Alignment, Codes, Utterance
from weft.schemas.faults import RecipeError
from weft.schemas.ledger import Unusable
from weft.tokenizers.evaluation.measures import Example, measures


def run_evaluation(
    folders: Sequence[Path],
    paths: Sequence[str],
    settings: Sequence[str],
    out: Path,
    engine: str,
    address: str | None,
    workers: int | None,
) -> None:
    """Aligns and encodes, then prints a table with a column for each trained tokenizer. Raises RecipeError."""
    recipe = {**recipe_of(paths, trained_tokenizers(folders)), "align": {"use": "adapted"}}
    pipeline = make_pipeline(recipe, settings)
    build_corpus(pipeline, str(out), engine, address=address, workers=workers)
    store = Store(str(out))
    columns = {name: _values(store, pipeline, name) for name in pipeline.tokenizers}
    rows = table("Measures", "measure", *map(escape, columns))
    for measure in dict.fromkeys(chain.from_iterable(columns.values())):
        values = [column.get(measure, nan) for column in columns.values()]
        if not all(map(isnan, values)):
            rows.add_row(escape(measure), *(_formatted(value) for value in values))
    console.print(rows)


def _formatted(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "" if isnan(value) else f"{value:,.3f}"


def _values(store: Store, pipeline: Pipeline, name: str) -> dict[str, float]:
    """The measures of one tokenizer, by name."""
    tokenizer = pipeline.tokenizers[name]
    tokenizer.load(verified_folder(store, f"models/{name}"))
    examples = [e for source in pipeline.sources for e in examples_of(store, name, source, pipeline.utterances(source))]
    if not examples:
        raise RecipeError(f"{store.root}: {name} encoded no utterance; its rejects have the reasons")
    return {"utterances": len(examples), **dict(measures(tokenizer, examples))}


def examples_of(store: Store, tokenizer: str, source: str, utterance_node: str) -> Iterator[Example]:
    """The utterances of a source with their codes and labels. `utterance_node` is the node that holds the utterances."""
    for name in store.names(f"encode/{tokenizer}/{source}", ".parquet"):
        part = name.rpartition("/")[2]
        aligned = {a.key: a for a in read_part(store, f"align/{source}/{part}", Alignment)}
        utterances = {u.key: u for u in read_part(store, f"{utterance_node}/{part}", Utterance)}
        for codes in read_part(store, name, Codes):
            samples = load_utterance(store, utterances[codes.key])
            if not isinstance(samples, Unusable):
                phones = aligned[codes.key].phones if codes.key in aligned else ()
                yield Example(speech_of(utterances[codes.key], samples), stream_of(codes), phones)
