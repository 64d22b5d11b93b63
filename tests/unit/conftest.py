import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """Whatever LIVERY_* the machine has: a test sees only what it sets."""
    for name in [name for name in os.environ if name.upper().startswith("LIVERY_")]:
        monkeypatch.delenv(name)
