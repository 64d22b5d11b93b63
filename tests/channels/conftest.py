import pytest

from livery.testing import MailServer


@pytest.fixture(scope="module")
def mail_server():
    """One server for all examples of a property."""
    with MailServer() as server:
        yield server
