"""Pictures of coloured shapes with captions, as documents: the caption is the text, the field `image` holds the PNG.

shapes: {use: pictures, count: 200}
Document(text="A red circle is left of a small blue square.", fields=(Field("image", "data:image/png;base64,iVBORw0…"),))
"""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import ClassVar

from PIL import Image, ImageDraw
from pydantic import Field as Setting

from weft.pipelines.sources import base
from weft.pipelines.storage.store import Store
from weft.pipelines.writers.pictures import SIDE, VERSION, Shape, pictures
from weft.schemas.audio import Field
from weft.schemas.fingerprint import digest
from weft.schemas.item import Item, key_for
from weft.schemas.splits import Kind
from weft.schemas.text import Document


class Source(base.Source):
    """`count` pictures; the i-th depends on `seed` and i alone."""

    can_hold_out: ClassVar[tuple[Kind, ...]] = ("items",)

    count: int = Setting(default=20, ge=1)
    seed: int = 1

    @property
    def makes(self) -> type:
        return Document

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset({"image"})

    def version(self) -> str:
        return f"1, pictures {VERSION}"

    def items(self, name: str) -> Iterator[Item]:
        for key, picture in pictures(self.count, self.seed):
            line = json.dumps(asdict(picture))
            yield Item(key=key_for(name, key), source=name, path=key, uri="", stamp=digest(line), payload=line)

    def named(self, item: Item, splits: object) -> None:
        """Only reading shows the text, by which documents are held out."""

    def read(self, item: Item, store: Store) -> Iterator[Document]:
        picture = json.loads(item.payload)
        png = drawn([Shape(**shape) for shape in picture["shapes"]])
        image = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        yield Document(
            key=item.key, source=item.source, text=picture["caption"], language=self.language, licence=self.licence,
            path=item.path, fields=(Field("image", image),),
        )  # fmt: skip


def drawn(shapes: list[Shape]) -> bytes:
    """The shapes on white, as PNG."""
    image = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(image)
    for shape in shapes:
        left, top, right, bottom = (
            shape.x - shape.radius, shape.y - shape.radius, shape.x + shape.radius, shape.y + shape.radius,
        )  # fmt: skip
        if shape.form == "circle":
            draw.ellipse((left, top, right, bottom), fill=shape.colour)
        elif shape.form == "square":
            draw.rectangle((left, top, right, bottom), fill=shape.colour)
        else:
            draw.polygon(((shape.x, top), (right, bottom), (left, bottom)), fill=shape.colour)
    png = io.BytesIO()
    image.save(png, "PNG")
    return png.getvalue()
