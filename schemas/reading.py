"""How files and servers outside the corpus are read: the section `reading` of a recipe.

reading: {tries: 4, wait: 0.5}        asked at once, then after 0.5, 2 and 8 seconds
"""

from pydantic import Field

from weft.schemas.settings import Settings


class ReadSettings(Settings):
    """`tries` of one read; `wait`, the seconds before the second, and each further wait is four times as long. Of a web server:
    `connect`, seconds until it accepts a connection; `silence`, seconds between two bytes; `whole`, seconds for a file; `largest`,
    bytes of a file.

    Of these, `largest` alone shapes what is made: what is larger is a reject.
    """

    tries: int = Field(default=4, ge=1, le=10)
    wait: float = Field(default=0.5, ge=0, le=60)
    connect: float = Field(default=10.0, gt=0)
    silence: float = Field(default=60.0, gt=0)
    whole: float = Field(default=3600.0, gt=0)
    largest: float = Field(default=float(1 << 32), ge=1)

    @property
    def waits(self) -> tuple[float, ...]:
        """Seconds before the second try, the third, and so on."""
        return tuple(self.wait * 4**n for n in range(self.tries - 1))
