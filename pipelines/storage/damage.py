"""Files of a corpus that are damaged, missing or in the way, and the command that mends them.

str(NotMade.missing("corpus", "list/a.parquet"))    "list/a.parquet is missing; `weft build corpus/recipe.yaml --out corpus` makes it"
"""

from pathlib import Path
from shlex import quote

from weft.schemas.faults import RecipeError


class Damaged(Exception):
    """A file of a corpus that is not as it was written: `name` in the corpus at `url`; `what` ends a sentence that begins with it."""

    def __init__(self, url: str, name: str, what: str) -> None:
        super().__init__(url, name, what)
        self.url, self.name, self.what = url, name, what

    def __str__(self) -> str:
        return f"{self.name} {self.what}; {remedy(self.url)} makes it anew"


class NotMade(Damaged):
    """A file that is not there, or was made from other inputs than there are now: any build makes it."""

    @classmethod
    def missing(cls, url: str, name: str) -> "NotMade":
        return cls(url, name, "is missing")

    def __str__(self) -> str:
        return f"{self.name} {self.what}; {remedy(self.url, verify=False)} makes it"


class InTheWay(RecipeError):
    """A folder where a file of a corpus belongs, or a file where a folder does: nobody but the user knows what it is."""

    @classmethod
    def of(cls, root: str, name: str) -> "InTheWay":
        """Of the file `name` of the corpus in the local folder `root`."""
        path = Path(root)
        for inner in Path(name).parts:
            path = path / inner
            if path.is_file():
                break
        is_folder = path.is_dir()
        kind, wanted = ("folder", "file") if is_folder else ("file", "folder")
        return cls(
            f"{path} is a {kind}, and a {wanted} of the corpus belongs there; move it away and run the same command again"
        )


def remedy(url: str, verify: bool = True) -> str:
    """The command that makes anew what is damaged in the corpus at `url`; without `verify`, what is missing alone."""
    return f"`weft build {quote(f'{url}/recipe.yaml')} --out {quote(url)}{' --verify' if verify else ''}`"
