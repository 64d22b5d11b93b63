import pytest

from channels import making
from livery.testing import MailServer

WAYS = {
    "step by step": {"client": "pipelined", "PIPELINING": False},
    "pipelined": {"client": "pipelined", "PIPELINING": True},
    "plain": {"client": "plain", "PIPELINING": False},
}


@pytest.fixture(scope="module")
def mail_server():
    """One server for all examples of a property."""
    with MailServer() as server:
        yield server


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """Each way in which SMTP is spoken; most rules hold for all of them."""
    for name, value in WAYS[request.param].items():
        monkeypatch.setitem(making.WAYS, name, value)
    return request.param


@pytest.fixture(params=["pipelined", "plain"])
def client(request, monkeypatch):
    """Each of the two clients."""
    monkeypatch.setitem(making.WAYS, "client", request.param)
    return request.param
