"""Where trained tokenizers lie, and whether what lies there fits the settings.

located("hf://org/pitch-64")                      ->  the folder of its copy in the hub's cache
check_settings(folder, tokenizer, "layer")        raises ValueError where it was trained with another `layer`
"""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from weft.schemas.hub import is_hub_name, loadable
from weft.schemas.settings import CHECKPOINT, Settings
from weft.tokenizers.models.learned import first_line, read_config, write_config

if TYPE_CHECKING:  # torch takes seconds, which a recipe's check does not need
    import torch

    from weft.tokenizers.models.learned import Tensors


def located(name: str, files: Sequence[str] = ("*.json", "*.safetensors")) -> Path:
    """A trained tokenizer's folder: `name` itself, or a copy of what the hub has under a name such as `hf://org/name`, of these files.

    Raises ValueError where there is neither.
    """
    if not is_hub_name(name):
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(loadable(name), allow_patterns=list(files)))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise ValueError(f"{name}: no trained tokenizer here, nor on the hub ({first_line(error)})") from None


def absolute(name: str) -> str:
    """A local folder's name that is the same from anywhere; a hub name, or none, is itself."""
    return str(Path(name).absolute()) if name and Path(name).exists() else name


Checkpoint = Annotated[str, AfterValidator(absolute), CHECKPOINT]  # a local file or folder, or `hf://org/name`


def settings_of(folder: Path) -> dict[str, Any]:
    """The settings a tokenizer was trained with. Raises ValueError for a folder that holds none, or is of an older format."""
    return dict(read_config(folder)["settings"])


def update_settings(folder: Path, settings: Settings) -> None:
    """Writes settings again that say where a checkpoint with the same content now lies."""
    write_config(folder, settings.model_dump(mode="json"), read_config(folder)["learned"])


def forget_speakers(folder: Path) -> None:
    """Removes the speakers' means of a model that is taken to another corpus, where the same name is another speaker."""
    try:
        config = read_config(folder)
    except ValueError:  # of a tokenizer with a format of its own
        return
    if config["learned"].get("speakers"):
        write_config(folder, config["settings"], {**config["learned"], "speakers": {}})


def check_settings(folder: Path, settings: Settings, *names: str) -> None:
    """Raises ValueError where a model was trained with another value of one of these settings, such as `training.heads`."""
    trained, wanted = settings_of(folder), settings.model_dump(mode="json")
    for name in names:
        was, now = (reduce(lambda at, key: at.get(key, {}), name.split("."), some) for some in (trained, wanted))
        if was != now:
            raise ValueError(f"{folder}: its model has other settings (`{name}` is {now}, it was trained with {was})")


def fill(module: "torch.nn.Module", tensors: "Tensors", folder: Path) -> None:
    """Puts tensors into a module that only encodes. Raises ValueError where their names or shapes are not the module's."""
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise ValueError(f"{folder}: its model has other settings ({lines[min(1, len(lines) - 1)].strip()})") from None
    module.eval().requires_grad_(False)
