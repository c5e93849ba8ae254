"""`weft tokenizer evaluate`: what the codes of speech that a tokenizer never heard tell, and what they cost.

Speech is aligned by the default aligner, so that phones are known; what is not known (phones, speakers, emotions) is left out.
"""

from collections.abc import Iterator, Sequence
from math import isnan
from pathlib import Path

import numpy as np
from rich.markup import escape

from weft.jobs.commands import build_corpus, console, make_house
from weft.jobs.show import table
from weft.jobs.tokenizing import recipe_of
from weft.pipelines.encode import speech_of
from weft.pipelines.parts import read_part
from weft.pipelines.sound import heard
from weft.pipelines.store import Store
from weft.schemas.audio import Alignment, Units, Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.recipe_file import RecipeError
from weft.tokenizers.card import read_card
from weft.tokenizers.folder import located
from weft.tokenizers.measures import Example, measures
from weft.tokenizers.stream import Stream


def run_evaluation(
    folder: Path,
    paths: Sequence[str],
    settings: Sequence[str],
    out: Path,
    engine: str,
    address: str | None,
    workers: int | None,
) -> None:
    """Aligns and encodes, then prints a table."""
    try:
        use = read_card(located(str(folder)))["use"]
    except ValueError as fault:
        raise RecipeError(str(fault)) from None
    recipe = {**recipe_of(paths, {use: {"use": use, "folder": str(folder)}}), "align": {"use": "adapted"}}
    house = make_house(recipe, settings)
    build_corpus(house, str(out), engine, address, workers)
    store = Store(str(out))
    tokenizer = house.tokenizers[use]
    tokenizer.load(store.folder(f"models/{use}"))
    examples = [e for source in house.sources for e in examples_of(store, use, source, house.utterances(source))]
    if not examples:
        raise RecipeError(f"{out}: nothing could be encoded; its rejects say why")
    rows = table(f"{use}: {len(examples):,} utterances", "measure", "value")
    for name, value in measures(tokenizer, examples):
        if not isnan(value):
            rows.add_row(escape(name), f"{value:,.3f}")
    console.print(rows)


def examples_of(store: Store, tokenizer: str, source: str, spoken_in: str) -> Iterator[Example]:
    for name in store.names(f"encode/{tokenizer}/{source}", ".parquet"):
        part = name.rpartition("/")[2]
        aligned = {a.key: a for a in read_part(store, f"align/{source}/{part}", Alignment)}
        spoken = {u.key: u for u in read_part(store, f"{spoken_in}/{part}", Utterance)}
        for units in read_part(store, name, Units):
            samples = heard(store, spoken[units.key])
            if not isinstance(samples, Unusable):
                stream = Stream(units.rate, np.array(units.ids, np.int32), np.array(units.durations, np.int32))
                phones = aligned[units.key].phones if units.key in aligned else ()
                yield Example(speech_of(spoken[units.key], samples), stream, phones)
