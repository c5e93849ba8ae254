"""How the records of each source of a recipe get their split, and which sources hold out speakers together.

RecipeSplits(recipe, sources).of("read")    ->  Splits(space="people", hold_out=HoldOut(speakers=0.02), …)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from weft.pipelines.choices.recipe_faults import RecipeFault
from weft.pipelines.parts.hold_out_work import Space
from weft.pipelines.parts.splits import Splits
from weft.pipelines.sources.base import Source
from weft.schemas.recipe import Recipe
from weft.schemas.splits import HoldOut
from weft.schemas.text import Dialogue, Document


@dataclass(frozen=True)
class RecipeSplits:
    """The splits of a recipe whose `sources` are made."""

    recipe: Recipe
    sources: Mapping[str, Source]

    def of(self, source: str) -> Splits:
        """How the records of a source get their split. Raises RecipeFault.

        Where words are only aligned, as by `weft align`, splits say nothing: the aligner learns from all that it aligns.
        """
        made = self.sources[source]
        if made.speakers in self.sources:
            raise RecipeFault(
                ("sources", source, "speakers"), f"{made.speakers!r} is the name of a source; choose another"
            )
        hold_out = self._shared_share(made.speakers) or made.hold_out
        shares = bool(made.speakers and hold_out and hold_out.kind == "speakers")
        return Splits(
            space=made.speakers if shares else source, default=made.unnamed_split, names=made.splits, hold_out=hold_out,
            shared=shares, all_train=not (self.recipe.tasks or self.recipe.tokenizers or hold_out),
            by_text=bool(hold_out and hold_out.kind == "items" and made.makes in (Dialogue, Document)),
        )  # fmt: skip

    def _shared_share(self, space: str) -> HoldOut | None:
        """The share of speakers that one source of a space holds out: it holds for all of them. Raises RecipeFault."""
        given = {n: s.hold_out for n, s in self.sources.items() if space and s.speakers == space and s.hold_out}
        shared = next((hold_out for hold_out in given.values() if hold_out.kind == "speakers"), None)
        for name, hold_out in given.items():
            if shared and hold_out != shared:
                wrong = f"sources that share the speakers {space!r} hold out the same share of them; give it once"
                raise RecipeFault(("sources", name, "hold_out"), wrong)
        return shared

    @cached_property
    def spaces(self) -> list[Space]:
        """The sources that hold something out, those together that share their speakers."""
        by_space: dict[tuple[str, bool], dict[str, Splits]] = {}
        for source in self.sources:
            splits = self.of(source)
            if splits.hold_out:
                by_space.setdefault((splits.space, splits.shared), {})[source] = splits
        return [Space(splits) for splits in by_space.values()]

    @property
    def speaker_spaces(self) -> dict[str, str]:
        """Where each source's speakers are told apart by name. The roles of dialogues are not, unless a space is named."""
        return {n: s.speakers or n for n, s in self.sources.items() if s.speakers or s.makes is not Dialogue}
