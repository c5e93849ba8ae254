"""Settings that hold for every test: Hypothesis draws the same examples each time and measures no wall time."""

import pytest
from hypothesis import HealthCheck, settings

from weft.pipelines.storage import retries as reading

settings.register_profile(
    "weft", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("weft")


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads that fail are tried again at once, whatever failed in another test."""
    monkeypatch.setattr(reading, "sleep", lambda seconds: None)
    monkeypatch.setattr(reading, "reads", reading.Reads())
