"""Speakers with the space of their names, which tells equal names apart; splits use the same spaces.

    persons(rows, {"read": "people", "calls": "people"})  ->  ["people/s1", None, "talk-0123456789ab/caller"]

Two sources may each have an `s1`: they are two persons, unless the sources share a space. A role of a dialogue, such as `caller`,
is another voice in each dialogue.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

COLUMNS = ["recording", "source", "speaker"]  # what `persons` looks at


def persons(rows: pa.Table, spaces: Mapping[str, str]) -> pa.Array:
    """Space and name of each row's speaker; null for speech without a name.

    `spaces` names the space of each source whose speakers are known by name; elsewhere a speaker is a role within a dialogue.
    """
    known = pc.if_else(pc.equal(rows["speaker"], ""), None, rows["speaker"])
    space = pc.take(
        pa.array(list(spaces.values()), pa.string()),
        pc.index_in(rows["source"], pa.array(list(spaces), pa.string())),
    )
    if space.null_count:
        space = pc.coalesce(space, rows["recording"])
    return pc.binary_join_element_wise(space, known, "/")
