"""What holds whatever is asked. Derandomised, so that a run says the same thing twice."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "wallet", derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("wallet")
