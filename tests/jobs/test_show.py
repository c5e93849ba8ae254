"""What the audit's tables show."""

import io

from rich.console import Console

from weft.jobs.show import show_faults, show_ledger
from weft.schemas.audit import Audit, NodeAudit


def node(name: str, items: int) -> NodeAudit:
    return NodeAudit(
        node=name, items_in=items, items_made=0, items_out=items, items_rejected=0, items_held=0, seconds_in=1.5, seconds_out=1.5,
        seconds_rejected=0.0, seconds_held=0.0,
    )  # fmt: skip


def test_all_passes_over_a_source_are_one_row_with_their_count() -> None:
    names = [
        ("ingest/speech", 7),
        *((f"compose/words/pass-{n}/speech", 100) for n in range(12)),
        ("compose/words/validation/speech", 3),
    ]
    page = io.StringIO()
    audit = Audit(
        corpus="c", stages=(), nodes=tuple(node(*of) for of in names), rejects=(), leaks=(), unread=(), faults=()
    )
    show_ledger(Console(file=page, width=200), audit)
    rows = [
        [cell.strip() for cell in line.split("│")[1:5]] for line in page.getvalue().splitlines() if "speech" in line
    ]
    assert rows == [
        ["ingest/speech", "", "7", "0"],
        ["compose/words/speech", "12", "1,200", "0"],
        ["compose/words/validation/speech", "", "3", "0"],
    ]  # fmt: skip
    assert "18.00" in page.getvalue()


def lines_of(*faults: str) -> list[str]:
    page = io.StringIO()
    audit = Audit(corpus="c", stages=(), nodes=(), rejects=(), leaks=(), unread=(), faults=faults)
    show_faults(Console(file=page, width=200), audit)
    return page.getvalue().splitlines()


def test_files_that_an_interrupted_build_has_not_made_are_counted() -> None:
    missing = [f"align/speech/part-{n:05d}.parquet is missing" for n in range(40)]
    lines = lines_of("a.tar holds 3 bytes where 9 were written", *missing)
    assert lines[0] == "broken: a.tar holds 3 bytes where 9 were written" and len(lines) == 7
    goes_on = "a build that was interrupted goes on with the same `weft build`"
    assert lines[-1] == f"broken: … and 35 more files are missing: {goes_on}"


def test_a_few_missing_files_are_all_named() -> None:
    assert len(lines_of(*(f"{n} is missing" for n in range(5)))) == 5
