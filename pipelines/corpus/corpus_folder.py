"""Where a build may work: an empty folder, or a corpus; and one build at a time.

corpus/corpus.json    {"format": 2}: this folder is a corpus of weft

    with locked_corpus(store): ...        raises NotACorpus, OtherFormat, and Locked

A build that fails before it has made anything, such as one of a folder that is misspelt, leaves no corpus and no folder behind.
Corpora that were made before there was a corpus.json are known by the first line of their recipe.yaml.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weft.pipelines.corpus.saved_pipeline import is_resolved
from weft.pipelines.storage.alone import alone
from weft.pipelines.storage.lock import BUILD
from weft.pipelines.storage.lock import NAME as LOCK
from weft.pipelines.storage.store import Store, is_scratch
from weft.schemas.faults import RecipeError

MARK = "corpus.json"
RECIPE = "recipe.yaml"
FORMAT = 2  # of the corpora that this version reads and builds; raised where an older one cannot be read
MARKED = (json.dumps({"format": FORMAT}) + "\n").encode()

_LISTING = re.compile(r"list/[^/]+/(location\.json|part-\d+\.parquet)")


class NotACorpus(RecipeError):
    """A folder that holds something else than a corpus."""


class OtherFormat(RecipeError):
    """A corpus of another version of weft, which this one can neither read nor build on."""


@contextmanager
def locked_corpus(store: Store) -> Iterator[None]:
    """The corpus for one build alone. Raises NotACorpus for a folder with other files, OtherFormat, and Locked."""
    check_folder(store)
    check_format(store)
    is_new = not is_corpus(store)
    with alone(store, BUILD):
        try:
            mark(store)
            yield
        except BaseException:
            if is_new:
                _unmake(store)
            raise


def _unmake(store: Store) -> None:
    """Removes what a build writes before its first piece of work, where there is nothing else."""
    store.fs.invalidate_cache(store.root)
    names = [path.removeprefix(f"{store.root}/") for path in store.fs.find(store.root)]
    own = [name for name in names if name != LOCK and not is_scratch(name)]
    if all(name in (MARK, RECIPE) or _LISTING.fullmatch(name) for name in own):
        for name in own:
            store.remove(name)
        for folder in _entries(store):  # it was empty or absent, so no folder in it is the user's
            store.prune(folder)


def mark(store: Store) -> None:
    """Writes corpus.json where it is not as it should be."""
    if not store.exists(MARK) or store.read(MARK) != MARKED:
        store.write(MARK, MARKED)


def check_folder(store: Store) -> None:
    """Raises NotACorpus unless the folder is absent, empty or a corpus."""
    if store.local and Path(store.root).is_symlink() and not Path(store.root).exists():
        raise NotACorpus(
            f"{store.url}: a link to {Path(store.root).readlink()}, which is not there; make that folder first"
        )
    if not is_corpus(store) and (other := _first_entry(store)):
        raise NotACorpus(
            f"{store.url}: this folder is no corpus and holds other files, such as {other!r}; "
            "a corpus is built in a folder that is empty or not there yet"
        )


def check_format(store: Store) -> None:
    """Raises OtherFormat where corpus.json says that another version of weft made the corpus."""
    number = _format(store)
    if number < FORMAT:
        remedy = "build it anew in another folder: `weft build RECIPE --out FOLDER`"
    elif number > FORMAT:
        remedy = "install the version of weft that made it, or a newer one"
    else:
        return
    raise OtherFormat(
        f"{store.url}: this corpus has format {number}, and this version of weft needs {FORMAT}; {remedy}"
    )


def _format(store: Store) -> int:
    """The number in corpus.json. A damaged file counts as one of this format: the audit reports it, and a build writes it again."""
    try:
        number = json.loads(store.read(MARK))["format"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return FORMAT
    return number if isinstance(number, int) else FORMAT


def is_corpus(store: Store) -> bool:
    return store.exists(MARK) or (store.exists(RECIPE) and is_resolved(store.read(RECIPE)))


def _first_entry(store: Store) -> str:
    """The name of something in the folder, other than a lock and what a killed build leaves of one; "" where it is empty."""
    return next((name for name in _entries(store) if name != LOCK and not is_scratch(name)), "")


def _entries(store: Store) -> list[str]:
    """The names of all files and folders of the corpus's folder, sorted."""
    if not store.fs.exists(store.root):
        return []
    store.fs.invalidate_cache(store.root)
    return sorted(path.rstrip("/").rpartition("/")[2] for path in store.fs.ls(store.root, detail=False))
