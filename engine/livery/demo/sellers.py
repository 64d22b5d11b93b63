"""The demo's configuration: a platform, a distributor, and three sellers with their own liveries."""

import base64
from hashlib import sha256
from typing import Any

_SELLERS: dict[str, dict[str, Any]] = {
    "res-org-n": {
        "parent": "platform", "name": "Res. Org N.", "locale": "en",
        "brand": {"support_email": "support@res-org-n.example"},
        "contacts": {"primary": {"name": "Robin Reseller", "email": "robin@res-org-n.example", "locale": "en"}},
    },
    "nordwind": {
        "parent": "north-distribution", "name": "Nordwind Cloud GmbH", "locale": "de", "pack": "nordwind",
        "contacts": {"primary": {"name": "Nele Nordmann", "email": "nele@nordwind.example", "locale": "de"}},
        "settings": {"OfferProvisionError": {"bcc": {"add": ["address:archiv@nordwind.example"]}}},
    },
    "souq-cloud": {
        "parent": "platform", "name": "سوق السحابة", "locale": "ar", "pack": "souq-cloud",
        "contacts": {"primary": {"name": "سلمى منصور", "email": "salma@souq-cloud.example", "locale": "ar"}},
    },
}  # fmt: skip


def configuration(database_url: str, *, smtp_port: int, http_url: str) -> dict[str, Any]:
    """Settings as livery.toml would hold them, with the demo's servers as destinations."""
    tenants: dict[str, dict[str, Any]] = {
        "platform": {
            "name": "Cloud Platform",
            "contacts": {"operations": {"email": "operations@platform.example"}},
        },
        "north-distribution": {"name": "North Distribution", "parent": "platform"},
    }
    for id_, seller in _SELLERS.items():
        channels = {
            "slack": {"url": f"{http_url}/slack/{id_}", "name": "#orders"},
            "teams": {"url": f"{http_url}/teams/{id_}", "name": "Orders"},
            "webhook": {"url": f"{http_url}/webhook/{id_}", "secret": _secret(id_)},
        }
        tenants[id_] = {**seller, "channels": channels}
    return {
        "database_url": database_url,
        "message_id_domain": "mail.platform.example",
        "sender": {"address": "notifications@platform.example"},
        "channels": {"smtp": {"host": "127.0.0.1", "port": smtp_port}},
        "outbound": {"allow": ["127.0.0.1"]},
        "tenants": tenants,
    }


def _secret(seller: str) -> str:
    return "whsec_" + base64.b64encode(sha256(f"demo {seller}".encode()).digest()).decode()
