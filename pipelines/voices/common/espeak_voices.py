"""The voices and variants of espeak-ng, read from its data, and the pitch of each.

voices_of("de")  ->  ("gmw/de",)         pitch_of("gmw/en-US", "f2")  ->  Pitch(low=142, high=220)
"""

from dataclasses import dataclass
from functools import cache
from math import log2
from pathlib import Path

from weft.pipelines.audio.espeak_library import data_path
from weft.pipelines.voices.base import covers

_OTHER_SCRIPT = {"gmw/en-Shaw"}


@cache
def voices_of(language: str) -> tuple[str, ...]:
    """Voices of a language ("en" has "en-us" too) by the names the library knows, such as `gmw/en-US`; () where it has none."""
    root = Path(data_path(), "lang")
    files = sorted(path for path in root.rglob("*") if path.is_file())
    named = [path.relative_to(root).as_posix() for path in files if _speaks(path, language)]
    return tuple(name for name in named if name not in _OTHER_SCRIPT)


def _speaks(path: Path, language: str) -> bool:
    rows = [line.split() for line in path.read_text("utf-8").splitlines() if line.startswith("language")]
    return any(covers(language, row[1]) for row in rows if len(row) > 1)


@cache
def variants() -> tuple[str, ...]:
    return tuple(sorted(path.name for path in Path(data_path(), "voices", "!v").iterdir()))


@dataclass(frozen=True, slots=True)
class Pitch:
    """The `pitch` line of a voice file: about the Hz that its intonation moves between."""

    low: int = 82
    high: int = 118

    def parameters(self, factor: float) -> tuple[int, int]:
        """espeak's pitch and range, of 0 to 99, that multiply every F0 by `factor`, so far as 0 to 99 allow it.

        As SetPitch2 of its voices.c: range 50 is the voice's own, and a wider one lowers the base by 18 times its growth.
        A pitch of 50 is the voice's own, 100 an octave above.
        """
        base, span = (self.low - 9) * 4096, (self.high - self.low) * 108
        wide = round(min(max(50 * factor, 0), 99))
        raised = factor + 18 * (wide / 50 - 1) * span / base
        return round(min(max(50 + 50 * log2(max(raised, 0.5)), 0), 99)), wide


@cache
def pitch_of(voice: str, variant: str) -> Pitch:
    """That of the variant, else of the voice, else espeak's own."""
    files = (Path(data_path()) / "voices" / "!v" / variant if variant else None, Path(data_path(), "lang", voice))
    lines = [line for file in filter(None, files) for line in file.read_text("utf-8", "replace").splitlines()]
    rows = (line.split() for line in lines if line.startswith("pitch"))
    return next((Pitch(low=int(row[1]), high=int(row[2])) for row in rows), Pitch())
