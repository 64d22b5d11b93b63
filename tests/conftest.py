"""What all tests share: real servers, and a hypothesis that never measures time and finds the same everywhere.

To look for new ones: `python -m pytest tests/unit --hypothesis-profile=search`.
"""

import pytest
from hypothesis import HealthCheck, settings

from livery.testing import HttpReceiver, MailServer

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("settled", deadline=None, derandomize=True, database=None, suppress_health_check=_SLOW)
settings.register_profile("search", deadline=None, max_examples=2000, database=None, suppress_health_check=_SLOW)
settings.load_profile("settled")


@pytest.fixture
def mail():
    """A real SMTP server."""
    with MailServer() as server:
        yield server


@pytest.fixture
def http():
    """A real HTTP receiver."""
    with HttpReceiver() as server:
        yield server
