"""What the paper of a recipe prints, as data beside what the recipe declares; `weft plan` prints both.

published:
  stages:
    extend: {total: 256e9, rows: {text: 128e9, tts: 80e9}, numbers: {context: 16384}}
    pretrain: {total: 100e9, rows: {speech: {share: 0.333, passes: 1.24, data: 28.2e9}}}
    pretrain-1: {total: 1.2e12, rows: {continuation: 600e9}, second_hand: [total, continuation]}
    sft: {total: 4e9, rows: {asr: unpublished}}
  sums: [{rows: [text], tokens: 680e9, where: the abstract}]
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from weft.schemas.settings import Settings

_Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PublishedRow(Settings):
    """A row of a published table in tokens, or as so many `passes` over `data` tokens; nothing for a row without a number. `share` is
    the printed share of the sampling, 0 to 1.
    """

    tokens: _Amount | None = None
    passes: _Amount | None = None
    data: _Amount | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> "PublishedRow":
        if self.passes is not None and (self.data is None or self.tokens is not None):
            raise ValueError("`passes` need the `data` that they are over, and no `tokens`")
        if self.data is not None and self.passes is None:
            raise ValueError("`data` need the `passes` over them")
        return self

    @property
    def amount(self) -> float | None:
        """In tokens; None where the paper has no number."""
        return self.passes * self.data if self.passes and self.data else self.tokens


def _row(given: Any) -> Any:
    if given == "unpublished":
        return {}
    return given if isinstance(given, dict | PublishedRow) else {"tokens": given}


class PublishedStage(Settings):
    """A published table: `total` and `rows` in tokens, by the name of the task ("unpublished": the paper has the row and no number).

    `numbers` are what else is printed of the stage, by name: rates, contexts, steps. `second_hand` names what of all this (`total`,
    rows, numbers) the paper itself does not print: it is known from notes of others, or follows from such figures.
    """

    total: _Amount | None = None
    rows: dict[str, Annotated[PublishedRow, BeforeValidator(_row)]] = {}
    numbers: dict[str, float | tuple[float, ...] | str] = {}
    second_hand: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_figures(self) -> "PublishedStage":
        known = (*(["total"] if self.total else []), *self.rows, *self.numbers)
        if unknown := sorted(set(self.second_hand) - set(known)):
            raise ValueError(f"`second_hand` names {unknown[0]!r}; the figures are {', '.join(known)}")
        return self


class PublishedSum(Settings):
    """A number that is printed for some rows of all stages together, and `where`."""

    rows: tuple[str, ...] = Field(min_length=1)
    tokens: _Amount
    where: str


class Published(Settings):
    """The tables of a paper, by training stage, and sums over stages. Nothing that is built depends on them."""

    stages: dict[str, PublishedStage] = {}
    sums: tuple[PublishedSum, ...] = ()
