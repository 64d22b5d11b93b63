"""What all tests share: hypothesis never measures time, and finds the same examples on every machine.

To look for new ones: `python -m pytest tests/unit --hypothesis-profile=search`.
"""

from hypothesis import HealthCheck, settings

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("settled", deadline=None, derandomize=True, database=None, suppress_health_check=_SLOW)
settings.register_profile("search", deadline=None, max_examples=2000, database=None, suppress_health_check=_SLOW)
settings.load_profile("settled")
