"""Who may import whom, read from the imports."""

import ast
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from weft.pipelines.registry import names

ROOT = Path(__file__).parents[1]
ROOMS = ("schemas", "outside", "tokenizers", "pipelines", "trainer", "jobs")
MAY = {
    "schemas": ("weft.schemas",),
    "outside": ("weft.schemas", "weft.outside"),
    "tokenizers": ("weft.schemas", "weft.outside", "weft.tokenizers"),
    "pipelines": ("weft.schemas", "weft.outside", "weft.tokenizers", "weft.pipelines"),
    "trainer": ("weft.schemas", "weft.tokenizers", "weft.trainer", "weft.pipelines.mixing.shards"),
    "jobs": ("weft",),
}
SCHEMAS_MAY = {"pydantic", "pyarrow", "numpy", "yaml", "huggingface_hub"}  # the last for the commit behind a hub name


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    for path in modules(room):
        ours = {name for name in imported(path) if name == "weft" or name.startswith("weft.")}
        assert all(name.startswith(MAY[room]) for name in ours), path
        if room != "jobs":
            assert not any(name.split(".")[0] == "ray" for name in imported(path)), path


def test_schemas_need_little() -> None:
    for path in modules("schemas"):
        others = {name.split(".")[0] for name in imported(path)} - {"weft"} - set(sys.stdlib_module_names)
        assert others <= SCHEMAS_MAY, path


def test_no_pickle_anywhere() -> None:
    for room in ROOMS:
        for path in modules(room):
            assert not imported(path) & {"pickle", "dill", "cloudpickle", "joblib"}, path
            assert not {"torch.load(", "torch.save("} & {
                w for w in ("torch.load(", "torch.save(") if w in path.read_text()
            }


def test_packages_are_the_folders() -> None:
    declared = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {p.parent for room in ROOMS for p in modules(room)} | {ROOT / "recipes", ROOT}
    found = {".".join(("weft", *f.relative_to(ROOT).parts)) for f in folders}
    assert declared == found


def test_tokenizers_does_not_shadow_hugging_face() -> None:
    assert not (ROOT / "tokenizers/__init__.py").exists()
    import tokenizers

    assert hasattr(tokenizers, "Tokenizer")


def test_no_module_is_named_like_the_standard_library() -> None:
    """The root is on `sys.path` under `python -m` and in every Ray worker, and so may a room be."""
    for path in (p for room in ROOMS for p in modules(room)):
        assert path.stem == "__init__" or path.stem not in sys.stdlib_module_names, path
    assert not {*ROOMS, "recipes"} & sys.stdlib_module_names


def _modules_of(path: Path) -> set[str]:
    """weft's modules that a file imports when it is imported itself: what stands in functions or is for types alone does not count."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("weft."):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if _file(inner).exists() else node.module)
    return found


def _file(module: str) -> Path:
    return (ROOT / Path(*module.split(".")[1:])).with_suffix(".py")


def test_no_import_goes_in_a_circle() -> None:
    files = [path for room in ROOMS for path in modules(room) if path.stem != "__init__"]
    arrows = {".".join(("weft", *path.relative_to(ROOT).with_suffix("").parts)): _modules_of(path) for path in files}
    TopologicalSorter(arrows).prepare()  # raises CycleError, with the circle


PIPELINES = ROOT / "pipelines"
INNER = {
    "storage": ("storage",),
    "audio": ("audio", "storage"),
    "parts": ("parts", "audio", "storage", "stage"),
}


@pytest.mark.parametrize("room", INNER)
def test_rooms_below_the_stages_know_nothing_above_them(room: str) -> None:
    may = tuple(f"weft.pipelines.{name}" for name in INNER[room])
    for path in sorted((PIPELINES / room).rglob("*.py")):
        ours = {name for name in _modules_of(path) if name.startswith("weft.pipelines.")}
        assert all(name.startswith(may) for name in ours), path


@pytest.mark.parametrize(
    "folder", ["sources", "segmenters", "transcribers", "aligners", "voices", "tasks", "encoders", "image_encoders"]
)
def test_a_folder_of_backends_holds_backends_alone(folder: str) -> None:
    """What they share lies in a folder below."""
    found = {path.stem for path in (PIPELINES / folder).glob("*.py")} - {"__init__", "base"}
    assert found == set(names(folder))


def test_tokenizers_holds_tokenizers_and_what_each_of_them_is() -> None:
    found = {path.stem for path in (ROOT / "tokenizers").glob("*.py")}
    assert found == {*names("tokenizers"), "base", "text", "stream", "unified", "merging"}


def test_the_hash_of_what_something_is_made_from_is_called_its_fingerprint() -> None:
    for path in (path for room in ROOMS for path in modules(room)):
        assert "identity" not in path.read_text().lower().replace("nn.identity", ""), path
