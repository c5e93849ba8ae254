"""`weft plan` of a published system: each stage as declared, as its paper prints it, and as far as the user's data go."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from weft.jobs.forecast import Supply, supplies
from weft.jobs.printing import plain
from weft.jobs.published import ComparisonRow, amount, in_tokens, lines, shown
from weft.jobs.show import table
from weft.jobs.source_sizes import SourceSize
from weft.pipelines.graph import Pipeline
from weft.schemas.mixture import Mixture
from weft.schemas.published import PublishedStage
from weft.schemas.training import TrainingStage

_NONE = "–"
_MARK = "*"


def show_published_stage(console: Console, pipeline: Pipeline, name: str, sizes: Mapping[str, SourceSize]) -> None:
    """A table of one stage, its sums, and what else the paper prints of it."""
    published = pipeline.recipe.published.stages[name]
    if published.rows or name in pipeline.recipe.training:
        console.print(_rows(pipeline, name, sizes))
    if published.numbers:
        second_hand = published.second_hand
        printed = ", ".join(
            _marked(f"{key} {_number(value)}", key in second_hand) for key, value in published.numbers.items()
        )
        console.print(plain(f"published of {name}: {printed}"), highlight=False, markup=False)
    if published.second_hand:
        why = f"{_MARK} second-hand: the paper itself does not print it; it is known from notes of others, or follows from such figures"
        console.print(plain(why), highlight=False, markup=False)


def _rows(pipeline: Pipeline, name: str, sizes: Mapping[str, SourceSize]) -> Table:
    published, stage = pipeline.recipe.published.stages[name], pipeline.recipe.training.get(name)
    rows = table(
        _title(name, stage), "task", "declared", "share", "published", "hours here", "one pass here", "passes needed", "verdict",
    )  # fmt: skip
    supply_by_name = {s.name: s for s in supplies(pipeline, name, dict(sizes))} if stage else {}
    compared = lines(pipeline.recipe, name)
    for line in compared:
        rows.add_row(
            line.name,
            *_declared(line),
            _marked(shown(line.published), line.is_second_hand),
            *_here(pipeline, stage, supply_by_name.get(line.name), sizes),
        )
    rows.add_row("sum", amount(sum(line.declared for line in compared)), "", _total(published), "", "", "", "")
    return rows


def _title(name: str, stage: TrainingStage | None) -> str:
    if not stage:
        return f"Stage {name}: not in this recipe"
    mixture = stage.mixture
    scaled = f", scaled by {mixture.scale:g}" if mixture.scale != 1 else ""
    size = float(mixture.size) * (in_tokens(stage) or 1)
    return f"Stage {name}: {amount(size)} {'tokens' if in_tokens(stage) else mixture.unit}{scaled}"


def _declared(line: ComparisonRow) -> tuple[str, str]:
    return (amount(line.declared), f"{line.share:.2%}") if line.declared else ("no such task", _NONE)


def _here(
    pipeline: Pipeline, stage: TrainingStage | None, supply: Supply | None, sizes: Mapping[str, SourceSize]
) -> tuple[str, str, str, str]:
    """Hours and one pass over the data that are there, the passes that the stage and those before need, and the verdict."""
    if not stage or not supply or not supply.at_most:
        return (_NONE, _NONE, _NONE, "no data here" if supply else _NONE)
    task = pipeline.tasks[supply.task]
    hours = sum(sizes[source].of_split(task.split).seconds for source in task.sources) / 3600
    has = amount(supply.has * (in_tokens(stage) or 1))
    return (f"{hours:,.2f}", has, f"{supply.passes:,.2f}", verdict(supply, stage.mixture))


def _total(published: PublishedStage) -> str:
    return _marked(amount(published.total), "total" in published.second_hand) if published.total else "not published"


def _marked(figure: str, is_second_hand: bool) -> str:
    return f"{figure}{_MARK}" if is_second_hand else figure


def _number(value: float | tuple[float, ...] | str) -> str:
    if isinstance(value, tuple):
        return " → ".join(_number(one) for one in value)
    return f"{value:,.6g}" if isinstance(value, float) else value


def verdict(supply: Supply, mixture: Mixture) -> str:
    """Whether the data of a task or a source are enough for a stage."""
    if supply.has_few_speakers:
        return (
            "the stage ends early"
            if mixture.exhausted == "stop" and not supply.can_never_suffice
            else "too few speakers"
        )
    if supply.has_nothing:
        return "no data"
    if supply.passes <= mixture.passes:
        return "enough"
    if not supply.is_short(mixture):
        return "not known: items without a header, or not read"
    return "the stage ends early" if mixture.exhausted == "stop" else "too little data"
