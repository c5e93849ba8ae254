"""The image of a record: its field `image` holds a data URI, or names a PNG relative to its source, by an absolute path or by a url.

reader = ImageReader(store, missing="reject")
reader.read("pictures", (Field("image", "late/03.png"),))   b"\\x89PNG…"
…                                                           Unusable("missing", "its image late/03.png: No such file or directory")
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from weft.pipelines.audio.opening import regular
from weft.pipelines.sources.base import Missing, judged
from weft.pipelines.storage.retries import opened, without_secrets
from weft.pipelines.storage.store import SOURCE, Store
from weft.schemas.audio import Field
from weft.schemas.ledger import Unavailable, Unusable

DATA_URI = "data:image/png;base64,"
_FIELD = "image"
_SHOWN = 200  # characters of a name in a reject; what is longer may be an image itself


@dataclass(frozen=True)
class ImageReader:
    """Reads from the sources of a corpus. `missing` is the setting of the source, for files that cannot be read."""

    store: Store
    missing: Missing | None = None

    def read(self, source: str, fields: Sequence[Field]) -> bytes:
        """The image of a record of `source` with these fields. Raises Unusable, and Unavailable for what cannot be read now."""
        path = next((field.value for field in fields if field.name == _FIELD), "")
        if not path:
            raise Unusable(
                "no_image", "the task says `image`, and its record has no field `image` with the name of a PNG"
            )
        if path.lstrip()[:5].lower() == "data:":
            return _decoded(path)
        if path.startswith(SOURCE):
            raise Unusable("unreadable", f"its image {path.partition('?')[0][:_SHOWN]} is neither a path nor a url")
        place = path if path.startswith("/") or "://" in path else self.store.located(f"{SOURCE}{source}/{path}")
        try:
            if place.startswith("/"):
                regular(place)
            return opened(partial(self.store.read, place), place)
        except Unusable as fault:
            raise _named(path, place, fault) from None
        except Unavailable as fault:
            found = judged(fault, self.missing)
            raise (_named(path, place, found) if isinstance(found, Unusable) else found) from None


def _named(path: str, place: str, fault: Unusable) -> Unusable:
    """With the image's name: a record's own place does not tell it. A url's query is a secret."""
    name = without_secrets(path.partition("?")[0] if "://" in place else path)
    return Unusable(fault.reason, f"its image {name[:_SHOWN]}{'…' * (len(name) > _SHOWN)}: {fault.detail[:_SHOWN]}")


def _decoded(uri: str) -> bytes:
    """The bytes of a data URI. Raises Unusable."""
    if not uri.startswith(DATA_URI):
        header = uri.partition(",")[0][:40]
        raise Unusable("bad_image", f"its image is a data URI that does not begin with {DATA_URI}: {header}…")
    try:
        return base64.b64decode(uri.removeprefix(DATA_URI), validate=True)
    except ValueError as fault:
        raise Unusable("bad_image", f"its image cannot be decoded from base64 ({fault})") from None
