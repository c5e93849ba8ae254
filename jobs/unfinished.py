"""What the commands that read a corpus say of one that is not finished: who builds it now, and how far that is.

begun(Store("corpus"))    "corpus: a build has just begun (process 4711 on node-1, since …); it has made nothing yet"
"""

from shlex import quote

from weft.pipelines.corpus.corpus_folder import MARK
from weft.pipelines.storage.damage import remedy
from weft.pipelines.storage.lock import builder
from weft.pipelines.storage.store import Store


def at_work(store: Store) -> str:
    """A sentence that says who builds the corpus now; "" where nobody does."""
    now = builder(store)
    return f"a build is at work ({now.who})" if now else ""


def begun(store: Store) -> str:
    """What to say of a corpus whose first build has not written its recipe yet, or never did; "" where there is no such thing."""
    if store.exists("recipe.yaml") or store.names("list"):
        return ""
    if now := builder(store):
        return f"{store.url}: a build has just begun ({now.who}); it has made nothing yet"
    if store.exists(MARK):
        return f"{store.url}: the build was ended before it made anything; the same `weft build` begins again"
    return ""


def absent(store: Store, url: str) -> str:
    """Why there is nothing to read where no recipe.yaml is."""
    makes = f"`weft build RECIPE --out {quote(url)}`"
    if store.names("list"):
        return f"{url}: recipe.yaml is gone; {makes} with the recipe it was built from writes it again"
    if store.exists(f"corpus/{MARK}"):
        return f"{url}: no corpus, but {url}/corpus is one"
    why = "its recipe.yaml is of no corpus" if store.exists("recipe.yaml") else "it has no recipe.yaml"
    return begun(store) or f"{url}: no corpus ({why}); {makes} makes one"


def not_there(store: Store, name: object) -> str:
    """What to say of a file of a corpus that a command needs and that is not made yet."""
    name = str(name).removeprefix(f"{store.root}/")
    if working := at_work(store):
        return f"{store.url}: {name} is not there yet: {working}"
    return f"{store.url}: {name} is not there yet; {remedy(store.url, verify=False)} finishes the corpus"
