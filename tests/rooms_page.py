"""`docs/rooms.md`: the rooms of weft and their arrows, made from the imports. `make docs` writes it; a test compares it."""

from graphlib import TopologicalSorter

from tests.rooms import ROOMS, ROOT, TOP, arrows, files, room_of

PAGE = ROOT / "docs" / "rooms.md"
_INTRODUCTION = """# Rooms

A room is a folder (or a few files) of one purpose. This page is made from the imports of the code (`make docs`), with those inside
functions and those for types. An arrow goes from the room that imports to the room that is imported. `tests/rooms.py` says which
arrows there may be, and `tests/test_architecture.py` holds the code to it: no arrow goes back.
"""
_LEFT_OUT = """An arrow that follows from others is left out: `graph` imports `parts` too, which it reaches through `stages`. The table
has all of them.
"""

Arrows = set[tuple[str, str]]


def page() -> str:
    """The page, as Markdown."""
    found = arrows()
    return "\n".join(
        [
            _INTRODUCTION,
            "## The folders of the repository\n",
            _graph({(_top(a), _top(b)) for a, b in found if _top(a) != _top(b)}),
            "## Inside `pipelines/`\n",
            _LEFT_OUT,
            _graph(_direct({(a, b) for a, b in found if _top(a) == _top(b) == "pipelines"})),
            "## Every room\n",
            "Lines are rounded to tens; empty `__init__.py` files are not counted.\n",
            "| room | where | what it holds | files | lines | imports |\n|---|---|---|---|---|---|",
            *(_row(name, found) for name in ROOMS),
            "",
        ]
    )


def _top(room: str) -> str:
    return ROOMS[room].paths[0].partition("/")[0]


def _graph(found: Arrows) -> str:
    """As Mermaid. Its own words, such as graph, may not be ids of rooms."""
    rooms = [f'    {_id(name)}["{name}"]' for name in sorted({name for arrow in found for name in arrow})]
    lines = [f"    {_id(a)} --> {_id(b)}" for a, b in sorted(found, key=_place, reverse=True)]
    return "\n".join(["```mermaid", "flowchart TD", *rooms, *lines, "```\n"])


def _id(room: str) -> str:
    return f"room_{room}"


def _place(arrow: tuple[str, str]) -> tuple[int, ...]:
    """Where the rooms of an arrow, or the folders of the repository, stand in their tables."""
    order = [*ROOMS] if set(arrow) <= ROOMS.keys() else [*TOP]
    return tuple(order.index(name) for name in arrow)


def _direct(found: Arrows) -> Arrows:
    """The arrows that do not follow from others."""
    to = {room: {b for a, b in found if a == room} for arrow in found for room in arrow}
    beyond: dict[str, set[str]] = {}  # what each room reaches, in one step or several
    for room in TopologicalSorter(to).static_order():
        beyond[room] = to[room].union(*(beyond[other] for other in to[room]))
    return {(a, b) for a, b in found if not any(b in beyond[other] for other in to[a])}


def _row(name: str, found: Arrows) -> str:
    room, mine = ROOMS[name], [file for file in files() if room_of(file) == name and not file.endswith("/__init__.py")]
    lines = sum(len((ROOT / file).read_text("utf-8").splitlines()) for file in mine)
    where = (
        f"`{room.paths[0]}`" if len(room.paths) == 1 else ", ".join(f"`{p}`" for p in room.paths if "__init__" not in p)
    )
    to = ", ".join(other for other in ROOMS if (name, other) in found) if name != "jobs" else "all"
    return f"| {name} | {where} | {room.holds} | {len(mine)} | {round(lines, -1):,} | {to or '–'} |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
