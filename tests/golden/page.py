"""`docs/tasks.md`: every task of the four systems with its golden sample, token by token. `make docs` writes it; a test compares it."""

import re
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "tasks.md"
SYSTEMS = {
    "spirit-lm-base": "Spirit LM Base", "spirit-lm-expressive": "Spirit LM Expressive", "step-audio-2": "Step-Audio 2",
    "step-audio-aqaa": "Step-Audio-AQAA", "glm-4-voice": "GLM-4-Voice", "cosyvoice-2": "CosyVoice 2",
}  # fmt: skip
_INTRODUCTION = """# Tasks

A task turns an utterance, a document or a dialogue into one sample. Each is shown with its settings in a recipe and one sample: every
token that it writes, with those that count in the loss in **bold**. Nothing predicts the first token, so a first `<s>` counts nowhere.
The samples were typed from the papers before the tasks were written (`tests/golden/`), and a test compares each task with them. `▁` is
the space before a word. Markers are named in `vocabulary: tokens:` ([streams.md](streams.md)); `step-audio` is an entry of
`templates:`:

```yaml
templates:
  step-audio: {open: bot, close: eot, roles: {tool: function_output}}
vocabulary:
  tokens:
    - {marker: bot, literal: "<|BOT|>"}
    - {marker: eot, literal: "<|EOT|>"}
    - {marker: tts-start, literal: "<tts_start>", modality: speech}
    - {marker: audio-patch, literal: "<audio_patch>", modality: audio}
```

`say: audio` and `say: image` write placeholders for what an encoder makes: [latents.md](latents.md).
"""


def page() -> str:
    """The page, as Markdown: the samples of all tasks that there are."""
    samples = [(file.stem, yaml.safe_load(file.read_text("utf-8"))) for file in sorted(HERE.glob("*.yaml"))]
    parts = [_INTRODUCTION]
    for system, title in SYSTEMS.items():
        parts.append(f"## {title}\n")
        parts += [_entry(name, one) for name, one in samples if one.get("system") == system and "recipe" in one]
    return "\n".join(parts)


def _entry(name: str, golden: dict[str, Any]) -> str:
    settings = {golden["task"]: {"sources": ["read"], **golden["recipe"]}}
    streams = {"streams": golden["streams"]} if "streams" in golden else {}
    recipe = yaml.safe_dump({**streams, "tasks": settings}, sort_keys=False, default_flow_style=None, width=100)
    decisions = "\n".join(f"- {decision}" for decision in golden.get("decisions", ()))
    return f"### {name}\n\n{golden['section']}\n\n```yaml\n{recipe}```\n\n{_tokens(golden['tokens'])}\n\n{decisions}\n"


def _tokens(tokens: list[dict[str, Any]]) -> str:
    return " ".join(f"**{_plain(token['t'])}**" if token["loss"] else _plain(token["t"]) for token in tokens)


def _plain(literal: str) -> str:
    """As Markdown shows it letter by letter."""
    return re.sub(r"([<>\[\]|_*])", r"\\\1", literal.replace("\n", "\\n"))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
