"""What every test shares: the hypothesis profile, reproducible and short."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "sheer", derandomize=True, max_examples=15, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
settings.load_profile("sheer")
