"""Settings that hold for every test: Hypothesis draws the same examples each time and measures no wall time."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "weft", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("weft")
