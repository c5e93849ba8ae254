"""The files of a plan: their names, and how each is read.

plan/pretrain.parquet           the leaf of each draw
plan/pretrain-tree.parquet      the nodes of the mixture, with their shares
plan/pretrain-leaves.parquet    the leaves, with what was drawn of each
plan/pretrain-tars.parquet      the tars, with the rows of its order that each holds
plan/pretrain.json              the summary, written last: what the plan was made from, and the checksums of the others
"""

from typing import NamedTuple

import numpy as np

from weft.pipelines.mixing.tree import Tree
from weft.pipelines.parts.tables import opened_part, read_part, read_table
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.plan import Leaf, MixtureNode, Summary, Tar
from weft.schemas.table import arrow_schema


def plan_name(stage: str) -> str:
    """Written last: its presence means that the other files are complete."""
    return f"plan/{stage}.json"


class PlanFiles(NamedTuple):
    """Names of the Parquet files of a plan."""

    draws: str
    tree: str
    leaves: str
    tars: str


def plan_files(stage: str) -> PlanFiles:
    return PlanFiles(
        draws=f"plan/{stage}.parquet",
        tree=f"plan/{stage}-tree.parquet",
        leaves=f"plan/{stage}-leaves.parquet",
        tars=f"plan/{stage}-tars.parquet",
    )


def read_summary(store: Store, stage: str) -> Summary:
    """Raises FileNotFoundError for a stage that is not planned yet, and Damaged."""
    try:
        return Summary.from_json(store.read(plan_name(stage)).decode())
    except (ValueError, TypeError) as error:
        raise Damaged(store.url, plan_name(stage), f"is damaged: {error}") from None


def ending(store: Store, stage: str) -> str:
    """Why a stage's stream is shorter than declared, as a sentence; "" where it is whole."""
    return read_summary(store, stage).ended


def read_leaves(store: Store, stage: str) -> list[Leaf]:
    return read_part(store, plan_files(stage).leaves, Leaf)


def read_tree(store: Store, stage: str) -> Tree:
    return Tree(tuple(read_part(store, plan_files(stage).tree, MixtureNode)), tuple(read_leaves(store, stage)))


def read_tars(store: Store, stage: str) -> list[Tar]:
    """The stage's tars without their rows."""
    names = [name for name in arrow_schema(Tar).names if name != "rows"]
    rows = read_table(store, plan_files(stage).tars, names).to_pylist()
    return [Tar(**{**row, "parts": tuple(row["parts"])}) for row in rows]


def rows_of(store: Store, stage: str, tar: Tar) -> np.ndarray:
    """The rows of its node's order that a tar holds, int32 [samples]."""
    with opened_part(store, plan_files(stage).tars) as file:
        group = file.read_row_group(tar.number, columns=["rows"])
    return group["rows"].combine_chunks().values.to_numpy()
