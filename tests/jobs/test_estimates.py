"""What a source supplies to a task, estimated."""

from weft.jobs.commands import read_pipeline
from weft.jobs.estimates import tokens_of
from weft.jobs.holdings import Holding


def test_an_image_supplies_its_placeholders_beside_its_caption() -> None:
    pipeline = read_pipeline("step-audio-aqaa-small")
    held = Holding(items=10, read=10, records=10, bytes=400)
    assert tokens_of(pipeline, pipeline.tasks["images"], held) == 10 * 256 + 100
    assert tokens_of(pipeline, pipeline.tasks["text"], held) == 100
