"""What `weft plan`, and `weft build` before it begins, read of the sources: the same, so that both say the same.

first_look(pipeline)   ->   {"speech": SourceSize(items=120000, read=10000, seconds=1.61e6, …)}
"""

from collections.abc import Collection

from weft.jobs.forecast import source_sizes
from weft.jobs.source_sizes import SourceSize
from weft.pipelines.corpus.hold_out import check_listing
from weft.pipelines.graph import Pipeline

MOST_READ = 10_000  # items of each source that are opened; sums of a larger source are scaled up


def first_look(pipeline: Pipeline, absent: Collection[str] = ()) -> dict[str, SourceSize]:
    """What each source holds; nothing where it is `absent`.

    Raises EmptySource, and SplitError for a share that holds out no name or every name, as far as what is read shows the names.
    """
    for space in pipeline.spaces:
        if not set(space.splits) & set(absent):
            check_listing(space, pipeline.sources, pipeline.synthesize.voice)
    return source_sizes(pipeline, MOST_READ, absent)
