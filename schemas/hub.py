"""Which commit of a repository of the Hugging Face hub a name stands for, by the hub's cache on this machine.

commit_of("org/mhubert")  ->  "5a13…" (40 digits)
"""

import re
from contextlib import suppress
from pathlib import Path

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def is_hub_name(name: str) -> bool:
    """Whether it looks like `org/name` and nothing lies there on disk."""
    return bool(_HUB_NAME.fullmatch(name)) and not Path(name).exists()


def commit_of(name: str, revision: str = "main", kind: str = "model", fresh: bool = False) -> str:
    """What the cache holds, or what the hub says where it holds nothing (first, if `fresh`). Raises ValueError where neither knows."""
    from huggingface_hub import snapshot_download  # a third of a second, for those who name something on the hub
    from huggingface_hub.errors import HfHubHTTPError

    def found(local: bool) -> str:
        nothing: list[str] = []  # no file is fetched; the folder's name is the commit
        return Path(
            snapshot_download(name, repo_type=kind, revision=revision, allow_patterns=nothing, local_files_only=local)
        ).name

    if not fresh:
        with suppress(OSError, ValueError):  # it is not in the cache
            return found(local=True)
    try:
        return found(local=False)
    except (OSError, ValueError, HfHubHTTPError) as error:
        wanted = name if revision == "main" else f"{name} at revision {revision!r}"
        raise ValueError(
            f"{wanted}: no local {kind}, none in the hub's cache, and the hub does not say its commit "
            f"({type(error).__name__}); download it with `hf download {name}`, or name a folder"
        ) from error
