"""Names of models and data on the Hugging Face hub, `hf://org/name`, and the commits they stand for by the cache on this machine.

commit_of("hf://org/mhubert")   ->  "5a13…" (40 digits)
loadable("hf://org/mhubert")    ->  "org/mhubert", as libraries call it
loadable("org/mhubert")         raises ValueError where no such folder is: a path is never downloaded
"""

import re
from contextlib import suppress
from pathlib import Path

HUB = "hf://"
_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def is_hub_name(name: str) -> bool:
    return name.startswith(HUB) and bool(_NAME.fullmatch(name.removeprefix(HUB)))


def loadable(name: str) -> str:
    """What a library is given: a path that is there, or a name on the hub without its `hf://`. Raises ValueError."""
    if is_hub_name(name):
        return name.removeprefix(HUB)
    if name.startswith(HUB):
        raise ValueError(f"{name}: a name on the hub is written hf://org/name")
    if not Path(name).exists():
        hint = f"; if it is a name on the hub, write {HUB}{name}" if _NAME.fullmatch(name) else ""
        raise ValueError(f"{name}: no such file or folder{hint}")
    return name


def loadable_or_word(name: str) -> str:
    """The same where a single word, such as `large-v3`, is a name that the library itself knows."""
    return loadable(name) if re.search(r"[/\\]", name) else name


def commit_of(name: str, revision: str = "main", kind: str = "model", fresh: bool = False) -> str:
    """What the cache holds, or what the hub says where it holds nothing (first, if `fresh`). Raises ValueError where neither knows."""
    from huggingface_hub import snapshot_download  # a third of a second, for those who name something on the hub
    from huggingface_hub.errors import HfHubHTTPError

    bare = name.removeprefix(HUB)

    def cached_commit(local: bool) -> str:
        nothing: list[str] = []  # no file is fetched; the folder's name is the commit
        return Path(
            snapshot_download(bare, repo_type=kind, revision=revision, allow_patterns=nothing, local_files_only=local)
        ).name

    if not fresh:
        with suppress(OSError, ValueError):  # it is not in the cache
            return cached_commit(local=True)
    try:
        return cached_commit(local=False)
    except (OSError, ValueError, HfHubHTTPError) as error:
        wanted = name if revision == "main" else f"{name} at revision {revision!r}"
        raise ValueError(
            f"{wanted}: no local {kind}, none in the hub's cache, and the hub does not say its commit "
            f"({type(error).__name__}); download it with `hf download {bare}`, or name a folder"
        ) from error
