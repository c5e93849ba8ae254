"""What a recipe declares of each row that a paper prints of a stage, and where both differ. `published_tables.py` prints it.

lines(recipe, "extend")   ->   ComparisonRow(name="text", declared=128e9, share=0.5, published=PublishedRow(tokens=128e9, …)), …
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from weft.schemas.published import PublishedRow
from weft.schemas.recipe import Recipe
from weft.schemas.training import TrainingStage

_ROUNDING = 0.005  # numbers that agree to half a per cent are printed with fewer digits
_PRINTED_SHARE = 0.0005  # shares are printed in tenths of a per cent


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A row of a stage: what the recipe declares (tokens, or the mixture's unit) and its share; 0 where it has no such task.

    `published` is None for a task of the recipe that the paper's table does not have. `is_second_hand`: the paper itself does not
    print it.
    """

    name: str
    declared: float
    share: float
    published: PublishedRow | None
    is_second_hand: bool = False


def in_tokens(stage: TrainingStage) -> float:
    """How many tokens one of the mixture's unit is; 0 where the unit says nothing of tokens."""
    return {"tokens": 1.0, "batches": float(stage.context)}.get(stage.mixture.unit, 0.0)


def lines(recipe: Recipe, name: str) -> list[ComparisonRow]:
    """The rows of a stage in the paper's order, and then the recipe's other tasks."""
    stage, published = recipe.training.get(name), recipe.published.stages[name]
    rows = published.rows
    weights = stage.mixture.weights if stage else {}
    size = float(stage.mixture.size) * (in_tokens(stage) or 1.0) if stage else 0.0
    return [
        ComparisonRow(
            name=row,
            declared=size * float(weights.get(row, 0)),
            share=float(weights.get(row, 0)),
            published=rows.get(row),
            is_second_hand=row in published.second_hand,
        )
        for row in dict.fromkeys((*rows, *weights))
    ]


def conflicts(recipe: Recipe) -> Iterator[str]:
    """A sentence for each printed number that another printed number or the recipe, before `scale`, contradicts."""
    for name in recipe.published.stages:
        yield from _conflicts_of(recipe, name)
    for printed in recipe.published.sums:
        rows = [
            line for stage in recipe.published.stages for line in _unscaled(recipe, stage) if line.name in printed.rows
        ]
        published = sum(line.published.amount or 0.0 for line in rows if line.published)
        declared = sum(line.declared for line in rows)
        if not _agree(published, printed.tokens):
            yield (
                f"{' and '.join(printed.rows)}: the published rows of all stages are {amount(published)} together "
                f"(declared here: {amount(declared)}); {printed.where} says {amount(printed.tokens)}"
            )


def _conflicts_of(recipe: Recipe, name: str) -> Iterator[str]:
    published, made = recipe.published.stages[name], _unscaled(recipe, name)
    amounts = [line.published.amount for line in made if line.published]
    known = sum(one for one in amounts if one)
    if published.total and all(amounts) and amounts and not _agree(known, published.total):
        yield f"stage {name}: the published rows are {amount(known)} together, its total is {amount(published.total)}"
    for line in made:
        row = line.published
        if row and row.share and line.share and abs(line.share - row.share) > _PRINTED_SHARE:
            yield f"stage {name}: {line.name}: {line.share:.1%} of the mixture are declared, {row.share:.1%} are published"
        if row and row.passes and row.data and line.declared and round(line.declared / row.data, 2) != row.passes:
            yield (
                f"stage {name}: {line.name}: the declared {amount(line.declared)} are {line.declared / row.data:.2f} passes over the "
                f"published {amount(row.data)}; {row.passes:g} passes are published, which are {amount(row.passes * row.data)}"
            )
        elif row and not row.passes and row.tokens and line.declared and not _agree(line.declared, row.tokens):
            yield f"stage {name}: {line.name}: {amount(line.declared)} are declared, {amount(row.tokens)} are published"


def _unscaled(recipe: Recipe, name: str) -> list[ComparisonRow]:
    """The lines of a stage before its `scale`. Nothing is declared where that cannot be told: of samples, and of scaled batches, whose
    context is another one.
    """
    stage = recipe.training.get(name)
    by = 0.0
    if stage and (stage.mixture.unit == "tokens" or (stage.mixture.unit, stage.mixture.scale) == ("batches", 1)):
        by = 1 / stage.mixture.scale
    return [replace(line, declared=line.declared * by) for line in lines(recipe, name)]


def _agree(one: float, other: float) -> bool:
    return abs(one - other) <= _ROUNDING * max(one, other)


def amount(tokens: float) -> str:
    """
    >>> amount(24.6e9), amount(7400)
    ('24.6B', '7,400')
    """
    return f"{tokens / 1e9:,.4g}B" if tokens >= 1e8 else f"{tokens:,.0f}"


def shown(row: PublishedRow | None) -> str:
    """What the paper prints of a row."""
    if row is None:
        return "no such row"
    figures = [f"{row.share:.1%}"] if row.share else []
    if row.passes and row.data:
        figures.append(f"{amount(row.passes * row.data)} = {row.passes:g} × {amount(row.data)}")
    elif row.tokens:
        figures.append(amount(row.tokens))
    return ", ".join(figures) or "not published"
