"""What the audit's tables show."""

import io
from pathlib import Path

from rich.console import Console

from weft.jobs.show import show_audit, show_faults, show_ledger
from weft.schemas.audit import Audit, NodeAudit, ShareAudit, StageAudit


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


def closing(unit: str, shares: tuple[ShareAudit, ...] = ()) -> str:
    """The last line of an audit without any fault."""
    page = io.StringIO()
    stage = StageAudit(
        stage="pre", unit=unit, size=9.0, draws=3, shards=1, bytes=9, ended="", tasks=(), shares=shares, groups=(), epochs=(),
    )  # fmt: skip
    whole = Audit(corpus="c", stages=(stage,), nodes=(), rejects=(), leaks=(), unread=(), faults=())
    show_audit(Console(file=page, width=1000), whole)
    return page.getvalue().splitlines()[-1]


def test_the_closing_sentence_says_what_was_proved_in_the_words_of_the_docs() -> None:
    bound = "(1 - w) times the task's longest sample plus w times the longest of all, with w the task's share"
    near = "at every prefix of the stream each task is within one sample of its share, in"
    assert closing("samples") == f"pre: {near} samples"
    assert (
        closing("tokens") == f"pre: {near} tokens. Where samples differ in size, that one is {bound} (column `allowed`)"
    )
    docs = " ".join((Path(__file__).parents[2] / "docs" / "mixtures.md").read_text("utf-8").split())
    assert f"Where samples differ in size, that one is {bound}." in docs
    share = ShareAudit(
        path="t/a", level="source", declared=0.5, rounded=False, realised=0.5, samples=3, worst=1.0, sample=2.0
    )
    assert "; inside a task each source or group is within one sample" in closing("tokens", (share,))
