"""An engine with a store, a platform, two distributors and their sellers."""

from datetime import UTC, datetime
from random import Random

import pytest

from livery import Config, Engine
from livery.vault import new_key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = new_key()
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.at = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def settings(tmp_path, mail, http):
    return {
        "database_url": f"sqlite:///{tmp_path}/livery.db",
        "secret_keys": [KEY],
        "sender": {"address": "notifications@platform.example"},
        "outbound": {"allow": ["127.0.0.1"]},
        "channels": {"smtp": {"host": "127.0.0.1", "port": mail.port}},
        "tenants": {
            "platform": {"contacts": {"operations": {"email": "ops@platform.example"}}},
            "north": {"parent": "platform", "channels": {"webhook": {"url": http.url("/north"), "secret": SECRET}}},
            "res-org-n": {
                "parent": "north",
                "name": "Res. Org N.",
                "contacts": {"primary": {"email": "robin@res-org-n.example"}},
            },
            "nordwind": {"parent": "north", "name": "Nordwind"},
            "south": {"parent": "platform"},
            "souq": {"parent": "south", "name": "Souq"},
        },
    }


@pytest.fixture
def engine(settings, clock):
    with Engine.open(Config.load(None, **settings), now=clock, random=Random(1)) as opened:
        yield opened


@pytest.fixture
def desk(engine):
    return engine.settings
