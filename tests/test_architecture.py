"""Who may import whom, read from the imports."""

import ast
import re
import sys
import tomllib
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests import rooms, rooms_page
from weft.pipelines.choices.registry import names

ROOT = Path(__file__).parents[1]
ROOMS = rooms.TOP
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


def test_a_room_imports_only_rooms_that_stand_above_it() -> None:
    order = [*rooms.ROOMS]
    assert all(order.index(to) < order.index(name) for name, room in rooms.ROOMS.items() for to in room.may)
    faults = {file: rooms.against_the_table(file, rooms.imports_of(file)) for file in rooms.files()}
    assert not {file: to for file, to in faults.items() if to}


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("pipelines/mixing/plan_request.py", "from weft.pipelines.ingest import Ingest"),
        ("pipelines/storage/pages.py", "def pages():\n    from weft.pipelines.graph import built"),
        ("pipelines/storage/store.py", "if TYPE_CHECKING:\n    from weft.pipelines import graph"),
        ("pipelines/models/model_work.py", "from weft.pipelines.align import Align"),
        ("pipelines/choices/backends.py", "from weft.pipelines.corpus.listing import listed"),
        ("pipelines/voices/espeak.py", "import weft.pipelines.aligners.sphinx"),
        ("trainer/train.py", "from weft.pipelines.mixing import shards"),
    ],
)
def test_an_import_against_the_table_is_seen(file: str, code: str) -> None:
    assert len(rooms.against_the_table(file, rooms.imports(code))) == 1


def test_the_table_of_rooms_names_what_there_is() -> None:
    found = rooms.arrows()
    assert not [(name, to) for name, room in rooms.ROOMS.items() for to in room.may if (name, to) not in found]


def test_no_import_goes_in_a_circle() -> None:
    """Not even one inside a function or for a type."""
    arrows = {file: rooms.imports_of(file) for file in rooms.files()}
    TopologicalSorter(arrows).prepare()  # raises CycleError, with the circle


def test_the_page_of_rooms_is_that_of_the_code() -> None:
    """Lines within a tenth (or ten): the page need not be made again for each of them."""
    written, made = (_rows(text) for text in (rooms_page.PAGE.read_text(), rooms_page.page()))
    assert [row.text for row in written] == [row.text for row in made], "docs/rooms.md is old: make docs"
    assert all(abs(a.lines - b.lines) <= max(20, b.lines / 10) for a, b in zip(written, made, strict=True))


@dataclass(frozen=True)
class _Row:
    text: str
    lines: int


def _rows(page: str) -> list[_Row]:
    """The lines of the page; those of the table without their number of lines."""
    split = [re.match(r"(\|.*\| \d+ \| )([\d,]+)( \|.*)", line) or line for line in page.splitlines()]
    return [
        _Row(text=one, lines=0)
        if isinstance(one, str)
        else _Row(text=one[1] + one[3], lines=int(one[2].replace(",", "")))
        for one in split
    ]


def test_only_jobs_know_ray() -> None:
    for path in (path for room in ROOMS if room != "jobs" for path in modules(room)):
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
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {p.parent for room in ROOMS for p in modules(room)} | {ROOT / "recipes", ROOT}
    found = {".".join(("weft", *f.relative_to(ROOT).parts)) for f in folders}
    assert sorted(declared) == sorted(found)  # each once


def test_tokenizers_does_not_shadow_hugging_face() -> None:
    assert not (ROOT / "tokenizers/__init__.py").exists()
    import tokenizers

    assert hasattr(tokenizers, "Tokenizer")


def test_no_module_is_named_like_the_standard_library() -> None:
    """The root is on `sys.path` under `python -m` and in every Ray worker, and so may a room be."""
    for path in (p for room in ROOMS for p in modules(room)):
        assert path.stem == "__init__" or path.stem not in sys.stdlib_module_names, path
    assert not {*ROOMS, "recipes"} & sys.stdlib_module_names


PIPELINES = ROOT / "pipelines"


@pytest.mark.parametrize(
    "folder", ["sources", "segmenters", "transcribers", "aligners", "voices", "tasks", "encoders", "image_encoders"]
)
def test_a_folder_of_backends_holds_backends_alone(folder: str) -> None:
    """What they share lies in a folder below."""
    found = {path.stem for path in (PIPELINES / folder).glob("*.py")} - {"__init__", "base"}
    assert found == set(names(folder))


def test_pipelines_holds_the_stages_and_the_graph() -> None:
    """What else there is lies in a folder, but for the base of the stages and what latents are to several folders."""
    found = {rooms.room_of(path.relative_to(ROOT).as_posix()) for path in PIPELINES.glob("*.py")}
    assert found == {"stage", "stages", "graph", "latents"}
    assert rooms.ROOMS["graph"].paths == tuple(f"pipelines/{name}.py" for name in ("graph", "nodes", "learning"))


def test_tokenizers_holds_tokenizers_and_what_each_of_them_is() -> None:
    found = {path.stem for path in (ROOT / "tokenizers").glob("*.py")}
    assert found == {*names("tokenizers"), "base", "text", "stream", "unified", "merging"}


def test_the_hash_of_what_something_is_made_from_is_called_its_fingerprint() -> None:
    for path in (path for room in ROOMS for path in modules(room)):
        code = (
            path.read_text().lower().replace("nn.identity", "").replace('"identity"', "")
        )  # HTTP's word for no encoding
        assert "identity" not in code, path


def test_the_way_of_one_utterance_is_short_and_its_counts_are_true() -> None:
    """Functions within a tenth, files exactly: every file that is named, a backend by its name too."""
    page = (ROOT / "docs/how-it-works.md").read_text()
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", page))
    assert named == set(re.findall(r"[\w/]+\.py", page))  # with its folder, so that it is counted
    for folder in ("sources", "segmenters", "transcribers", "aligners", "voices", "tokenizers"):
        room = folder if folder == "tokenizers" else f"pipelines/{folder}"
        assert not {f"{room}/{name}.py" for name in names(folder) if f"`{name}`" in page} - named
    assert {"pipelines/mixing/order.py", "pipelines/mixing/index.py"} < named
    counts = re.search(r"\| this page \| (\d+) \| (\d+) \|", page)
    assert counts and len(named) == int(counts[1]) <= 15
    trees = [ast.parse((ROOT / file).read_text()) for file in named]  # raises where one is not there
    functions = sum(isinstance(node, ast.FunctionDef) for tree in trees for node in ast.walk(tree))
    assert abs(functions - int(counts[2])) <= functions / 10


CHOSEN = {
    "Aligner",
    "Encoder",
    "ImageEncoder",
    "Reward",
    "Segmenter",
    "Source",
    "Task",
    "Tokenizer",
    "Transcriber",
    "Voice",
}
IN_A_CHILD = {"Unusable"}  # also that of outside/serving.py, which runs where weft cannot be imported


def test_a_class_has_a_name_of_its_own() -> None:
    """One name, one meaning: also of types that are given a name. Backends are all called as their folder's class."""
    places: dict[str, list[str]] = {}
    for path in (path for room in (*ROOMS, "benchmarks") for path in modules(room)):
        for name in type_names(ast.parse(path.read_text())):
            places.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    assert not {name: where for name, where in places.items() if len(where) > 1 and name not in CHOSEN | IN_A_CHILD}


def type_names(tree: ast.Module) -> list[str]:
    """The names of classes and of types, such as `Rows = list[Row]`."""
    assigned = (target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets)
    names = [target.id for target in assigned if isinstance(target, ast.Name)]
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    return [*classes, *(name for name in names if re.fullmatch("[A-Z][a-z][A-Za-z]*", name))]


def test_types_with_a_name_are_seen() -> None:
    assert type_names(ast.parse("class A: ...\nRows = list[A]\nMOST = 3\nT = A\nrow = A()")) == ["A", "Rows"]
