"""`docs/recipes.md`: every key of a recipe and every setting of every backend, generated from the schemas by `make docs`.

| key | value | default |
|---|---|---|
| `min_score` | number | -2.9 |
"""

import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from weft.pipelines.choices.registry import load, names
from weft.schemas.recipe import Recipe

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
_INTRODUCTION = """# Every key of a recipe

This page is written by `make docs` from the code; a test compares it. A recipe is one YAML file. Unknown keys are errors, and
`weft validate` names the line of every mistake. `extends: other.yaml` starts from another recipe, and `key=value` on the command line
overrides a key.
A default of — means that the key must be given.
"""
_FOLDERS = {
    "sources": "`sources: {NAME: {use: …}}`",
    "segmenters": "`segment: {use: …}`",
    "transcribers": "`transcribe: {use: …}`",
    "aligners": "`align: {use: …}`",
    "voices": "`synthesize: {use: …}`",
    "tokenizers": "`tokenizers: {NAME: {use: …}}`, and `text: {use: …}` for those of text",
    "encoders": "`encoder: {use: …}`",
    "image_encoders": "`image_encoder: {use: …}`",
    "tasks": "`tasks: {NAME: {use: …}}`",
    "rewards": "`training: {NAME: {objective: {rewards: [{use: …}]}}}`",
}


class _InOrder(GenerateJsonSchema):
    """Keeps keys in the order of the code: the order of markers is that of their ids."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        return value


def page() -> str:
    """The page, as Markdown."""
    written: set[str] = set()
    parts = [_INTRODUCTION, *_tables(Recipe, "The recipe", 2, written)]
    for folder, place in _FOLDERS.items():
        parts.append(f"## {folder}: {place}\n")
        backends = {name: backend for name in names(folder) if _is_own(backend := load(folder, name))}
        parts += _shared(tuple(backends.values()))
        for name, backend in backends.items():
            description = inspect.getdoc(inspect.getmodule(backend)) or ""
            parts += _tables(backend, f"`use: {name}`\n\n{description.partition(chr(10))[0]}", 3, written)
    return "\n".join(parts).rstrip("\n") + "\n"


def _is_own(kind: type) -> bool:
    return kind.__module__.startswith("weft.")


def _shared(backends: Sequence[type[BaseModel]]) -> Iterator[str]:
    """What the bases of these backends say of their settings, each once: their tables show names, types and defaults alone."""
    bases = dict.fromkeys(base for backend in backends for base in reversed(backend.__mro__[1:]) if _is_own(base))
    for base in bases:
        settings = [name for name in base.__annotations__ if name in getattr(base, "model_fields", {})]
        for paragraph in inspect.cleandoc(base.__doc__ or "").split("\n\n"):
            explains = any(f"`{name}`" in paragraph for name in settings)
            if base not in backends and explains and not paragraph.startswith("A backend"):
                yield f"{paragraph}\n"


def _tables(model: type[BaseModel], title: str, level: int, written: set[str]) -> Iterator[str]:
    """The table of a model, and one for each model below it whose table is not `written` yet."""
    schema = model.model_json_schema(schema_generator=_InOrder)
    nested = schema.get("$defs", {})
    yield f"{'#' * level} {title}\n"
    yield _description(schema) + _table(schema)
    for name, inner in nested.items():
        section = _description(inner) + _table(inner)
        if inner.get("properties") and section not in written:
            yield f"{'#' * (level + 1)} {name}\n"
            yield section
            written.add(section)


def _description(schema: dict[str, Any]) -> str:
    return f"{inspect.cleandoc(schema['description'])}\n\n" if schema.get("description") else ""


def _table(schema: dict[str, Any]) -> str:
    rows = [f"| `{key}` | {_kind(value)} | {_default(value)} |" for key, value in schema.get("properties", {}).items()]
    return "\n".join(["| key | value | default |", "|---|---|---|", *rows, ""]) if rows else "No settings.\n"


def _kind(value: dict[str, Any]) -> str:
    """The type of a value, in words."""
    if "$ref" in value:
        return value["$ref"].rpartition("/")[2]
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"])
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if value.get("type") == "array":
        inner = value.get("prefixItems") or ([value["items"]] if value.get("items") else [])
        return f"list of {' and '.join(dict.fromkeys(map(_kind, inner)))}" if inner else "list"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"names with {_kind(inner)}" if isinstance(inner, dict) and inner else "mapping"
    words = {"string": "text", "integer": "whole number", "boolean": "`true` or `false`", "null": "nothing"}
    kind = str(value.get("type", "anything"))
    return f"{words.get(kind, kind)}{_bounds(value)}"


def _bounds(value: dict[str, Any]) -> str:
    signs = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below", "maximum": "to"}
    bounds = [f"{word} {value[sign]:,}" for sign, word in signs.items() if sign in value]
    return f", {' '.join(bounds)}" if bounds else ""


def _default(value: dict[str, Any]) -> str:
    return f"`{json.dumps(value['default'], ensure_ascii=False)}`".replace("|", "\\|") if "default" in value else "—"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
