"""A folder with a configuration and an event."""

import json

import pytest

from cli.commands import GOOD

CONFIG = """
database_url = "sqlite:///livery.db"
[outbound]
allow = ["127.0.0.1"]
[channels.smtp]
host = "127.0.0.1"
port = {smtp}
[tenants.platform]
[tenants.res-org-n]
parent = "platform"
name = "Res. Org N."
[tenants.res-org-n.channels.webhook]
url = "http://127.0.0.1:{http}/hook"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""


@pytest.fixture
def home(tmp_path, mail, http):
    (tmp_path / "livery.toml").write_text(CONFIG.format(smtp=mail.port, http=http.port))
    (tmp_path / "event.json").write_text(json.dumps(GOOD))
    return tmp_path
