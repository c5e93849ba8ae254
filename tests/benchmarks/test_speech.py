"""The stages of the benchmarks are measured at work that is really done."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from weft.benchmarks.support.speech import SpeechCorpus
from weft.jobs.engine import LocalEngine
from weft.pipelines.parts.node_manifest import Manifests
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.parts.tables import part_name, write_part
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Utterance

CALLS: list[int] = []


class Copy(Stage):
    """Gives what it gets."""

    @property
    def makes(self) -> type:
        return Utterance

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        CALLS.append(1)
        yield from records


def test_work_that_is_in_the_manifest_of_a_build_is_done_again(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    clip = Utterance(key="a", recording="r", source="s", audio=Audio("/a.wav"), sha256="", start=0.0, end=2.0)
    write_part(store, part_name("segment/s", 0), [clip], Utterance, "made")
    work = PartWork(node="align/s", stage=Copy(), part=0, inputs=(Input("segment/s", Utterance),))
    speech = SpeechCorpus(store, LocalEngine(store), {"align/s": [work]})
    speech.again("align/s")
    Manifests(store).write([work.makes])
    store.manifests = Manifests(store)
    assert work.done(store)
    speech.again("align/s")
    assert len(CALLS) == 2
