"""Whether a corpus holds what the recipe that is to be trained says: the settings that decide its samples are compared.

check_same(pipeline, built, "corpus", ["pretrain"])    RecipeError: corpus was built with other settings: `text.size` was 290, …

Settings that are read at training alone may differ: the model, the optimiser, the objective, the seed. So may places of files.
"""

from collections.abc import Iterable, Mapping
from shlex import quote
from typing import Any

from weft.pipelines.graph import Pipeline
from weft.schemas.changes import named_settings
from weft.schemas.choice import Choice
from weft.schemas.faults import RecipeError
from weft.schemas.settings import Settings, Versioned

_SHOWN = 3


def check_same(pipeline: Pipeline, built: Pipeline, corpus: str, stages: Iterable[str]) -> None:
    """Raises RecipeError where a section that both recipes have, or the mixture of one of the stages, has other settings than when the
    corpus was `built`.
    """
    was, now = _sections(built, stages), _sections(pipeline, stages)
    differing = [
        phrase for section, settings in now.items() if section in was for phrase in _changes(was[section], settings)
    ]
    if differing:
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise RecipeError(
            f"{corpus} was built with other settings: {', '.join(differing[:_SHOWN])}{more}; `weft build RECIPE --out {quote(corpus)}` "
            f"builds what this recipe says, and `weft train {quote(f'{corpus}/recipe.yaml')}` trains on what is there"
        )


def _changes(was: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    names = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
    return [f"`{name}` was {was.get(name, 'absent')}, is now {now.get(name, 'absent')}" for name in names]


def _sections(pipeline: Pipeline, stages: Iterable[str]) -> dict[str, dict[str, str]]:
    """The settings that decide what samples hold, by the section of the recipe and then by the key."""
    recipe = pipeline.recipe
    sections: dict[str, Settings | None] = {
        **{f"sources.{name}": source for name, source in pipeline.sources.items()},
        **{f"tokenizers.{name}": tokenizer for name, tokenizer in pipeline.tokenizers.items()},
        **{f"tasks.{name}": task for name, task in pipeline.tasks.items()},
        **{f"streams.{name}": stream for name, stream in recipe.streams.items()},
        **{f"templates.{name}": template for name, template in recipe.templates.items()},
        **{f"training.{name}.mixture": recipe.training[name].mixture for name in stages if name in recipe.training},
        **pipeline.single_backends,
        "encoder": pipeline.encoders.audio,
        "image_encoder": pipeline.encoders.image,
        "quality": recipe.quality,
        "vocabulary": recipe.vocabulary,
    }
    return {section: _named(pipeline, section, settings) for section, settings in sections.items() if settings}


def _named(pipeline: Pipeline, section: str, settings: Settings) -> dict[str, str]:
    said: dict[str, Any] = settings.fingerprint_settings()
    if isinstance(settings, Versioned):
        said |= {"use": settings.called} | _drawn_from(pipeline, section)
    return named_settings(said, prefix=f"{section}.")


def _drawn_from(pipeline: Pipeline, section: str) -> dict[str, Any]:
    """What a section says of a backend beside its own settings: the sources, and the split."""
    kind, _, name = section.partition(".")
    choice = getattr(pipeline.recipe, kind)
    choice = choice[name] if name else choice
    said = choice.model_dump(mode="json", include=set(type(choice).model_fields)) if isinstance(choice, Choice) else {}
    return {key: value for key, value in said.items() if key not in ("use", "folder", "frozen")}
