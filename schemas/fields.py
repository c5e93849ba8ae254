"""Fields of JSON that somebody else wrote, and what is wrong with one, in words.

parsed('{"text": 5')                            raises WrongField: "it is no JSON (character 11: Expecting ',' delimiter)"
Fields({"text": 5}).text("text")                raises WrongField: "`text` is 5, and must be a text"
Fields({"level": 9}, "turn 2").number("pace")   raises WrongField: "`pace` of turn 2 is missing, and must be a number"
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SHOWN = 40  # characters of a wrong value


class WrongField(ValueError):
    """The message says which field, what is in it and what it must be."""


def parsed(text: str | bytes) -> Any:
    """Raises WrongField."""
    try:
        return json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise WrongField(f"it is no JSON (character {error.pos + 1:,}: {error.msg})") from None
    except UnicodeDecodeError as error:
        raise WrongField(f"it is not UTF-8 (byte {error.start:,})") from None
    except RecursionError:
        raise WrongField("its lists and objects lie too deep within each other") from None
    except ValueError:
        raise WrongField("a number in it has too many digits") from None


def shown(value: Any) -> str:
    """A value as JSON, or the beginning of it."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError, TypeError):
        return "nothing that can be shown"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Fields:
    """An object of JSON. `what` is what messages call it, "" where it needs no name. A field that is null counts as absent."""

    values: dict[str, Any]
    what: str = ""

    @classmethod
    def of(cls, value: Any, what: str = "") -> "Fields":
        """Raises WrongField for what is no object."""
        if not isinstance(value, dict):
            raise WrongField(f"{what or 'it'} is {shown(value)}, and must be an object with names and values")
        return cls(values=value, what=what)

    def wrong(self, name: str, must: str) -> WrongField:
        of = f" of {self.what}" if self.what else ""
        value = "missing" if self.values.get(name) is None else shown(self.values[name])
        return WrongField(f"`{name}`{of} is {value}, and must be {must}")

    def text(self, name: str) -> str:
        """ "" where it is absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise self.wrong(name, "a text")
        return value or ""

    def label(self, name: str) -> str:
        """A text or a number, as many name speakers; "" where it is absent."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            raise self.wrong(name, "a text or a number")
        return "" if value is None else str(value)

    def number(self, name: str, default: float | None = None) -> float:
        """Finite; a text that is one counts. Without a default it must be there."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        try:
            number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            raise self.wrong(name, "a number")
        return number

    def entries(self, name: str) -> list[Any]:
        """Empty where it is absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, list):
            raise self.wrong(name, "a list")
        return value or []

    def object(self, name: str) -> "Fields":
        """Without any fields where it is absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(name, "an object with names and values")
        return Fields(values=value or {}, what=f"`{name}`" + (f" of {self.what}" if self.what else ""))

    def objects(self, name: str, one: str) -> Iterator["Fields"]:
        """The entries of a list, each called `one` and its number."""
        for number, value in enumerate(self.entries(name), 1):
            yield Fields.of(value, f"{one} {number}" + (f" of {self.what}" if self.what else ""))
