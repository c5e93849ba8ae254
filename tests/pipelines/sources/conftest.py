"""A clip, and a source that is listed and read whole."""

from collections.abc import Callable

import numpy as np
import pytest

from weft.pipelines.audio.sound import flac
from weft.pipelines.ingest import Ingest
from weft.pipelines.parts.accounting import account
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Recording
from weft.schemas.ledger import Reject

CLIP = flac((np.sin(np.arange(32000) / 20) * 0.5).astype(np.float32), 16000)  # two seconds


@pytest.fixture
def clip() -> bytes:
    return CLIP


@pytest.fixture
def ingested(store: Store) -> Callable[..., tuple[list[Recording], list[Reject]]]:
    """Lists and reads a source whole, with rejects for what is missing, and checks that every item is accounted for."""

    def everything(source: Source) -> tuple[list[Recording], list[Reject]]:
        source = source.model_copy(update={"missing": "reject"})
        items = sorted(source.items("speech"), key=lambda item: item.key)
        assert len({item.key for item in items}) == len(items)
        stage = Ingest(source=source)
        stage.setup(store)
        made = list(stage(items))
        recordings, rejects = ([r for r in made if isinstance(r, kind)] for kind in (Recording, Reject))
        account(PartWork(node="ingest/speech", stage=stage, part=0, inputs=()), stage, items, [], recordings, rejects)
        assert len({r.key for r in recordings}) == len(recordings)
        return sorted(recordings, key=lambda r: r.path), sorted(rejects, key=lambda r: r.path)

    return everything
