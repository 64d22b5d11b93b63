"""One service for the tests of a file that only look at it, and one of its own for each that needs it so."""

import pytest

from service.served import Service


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path)
    yield made
    made.close()
