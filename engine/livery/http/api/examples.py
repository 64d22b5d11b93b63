"""What the description of the API shows as examples. Tests send each of them."""

from typing import Any

EVENT = {
    "specversion": "1.0",
    "id": "order-4711-failed",
    "source": "urn:example:orders",
    "type": "OfferProvisionError",
    "time": "2026-11-20T09:41:27Z",
    "data": {
        "seller": {"id": "nordwind", "name": "Nordwind Cloud"},
        "customer": {"id": "c-100", "name": "Müller Logistik GmbH"},
        "user": {"id": "u-7", "name": "Ada Müller", "email": "ada@mueller-logistik.example", "locale": "de"},
        "order": {"id": "4711"},
        "offer": {"id": "o-1", "name": "Mail Pro"},
        "error": {"code": "QUOTA", "message": "The vendor's quota is used up."},
    },
}
RECEIPT = {
    "event_id": "order-4711-failed",
    "duplicate": False,
    "deliveries": ["dlv_01k9zq0a3bm2v5n8s4x7c1d6ef"],
    "unreachable": False,
    "waiting": "",
}
_STRUCTURED, _BATCH, _JSON = "application/cloudevents+json", "application/cloudevents-batch+json", "application/json"
EVENT_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        _STRUCTURED: {"schema": {"$ref": "#/components/schemas/Event"}, "example": EVENT},
        _BATCH: {
            "schema": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/Event"},
                "minItems": 0,
                "maxItems": 1000,
            },
            "example": [EVENT, {**EVENT, "id": "order-4712-failed"}],
        },
        _JSON: {
            "schema": {"anyOf": [{"$ref": "#/components/schemas/Event"}, {"type": "object"}]},
            "example": EVENT,
        },
    },
}

ONE_EVENT_BODY: dict[str, Any] = {
    **EVENT_BODY,
    "content": {kind: one for kind, one in EVENT_BODY["content"].items() if kind != _BATCH},
}


def answer(example: Any) -> dict[str, Any]:
    """A response's description with an example."""
    return {"content": {"application/json": {"example": example}}}


_SAID = {
    "operation": "add",
    "field": "bcc",
    "value": "address:log@nordwind.example",
    "event_type": "OfferProvisionError",
}
BODIES: dict[str, Any] = {
    "retry": {"fresh": False, "why": "the mail server is back"},
    "cancel": {"why": "the order was cancelled"},
    "retry_some": {
        "state": "dead",
        "channel": "smtp",
        "since": "2026-12-01T08:00:00Z",
        "why": "the mail server is back",
    },
    "cancel_some": {"event_id": "order-4711-failed", "why": "the order was cancelled"},
    "enable": {"key": "smtp:nordwind", "why": "the mailbox is there again"},
    "disable": {"key": "smtp:nordwind", "why": "the mailbox is gone"},
    "change": {**_SAID, "note": "for the audit"},
    "reset": {"field": "bcc", "event_type": "OfferProvisionError"},
    "try_out": {**_SAID, "days": 30},
    "undo": {"note": "it was meant for another seller"},
    "import_": {
        "document": {"tenants": {"nordwind": {"settings": [{"bcc": {"add": ["address:log@nordwind.example"]}}]}}},
        "apply": False,
    },
    "activate_pack": {"version": "1.1.0", "use": True, "note": "the winter look"},
    "add_tenant": {"id": "hansa", "parent": "north-distribution", "name": "Hansa Cloud", "locale": "de"},
    "change_tenant": {"name": "Hansa Cloud GmbH"},
    "put_records": {"records": [{"type": "user", "id": "u-7", "name": "Ada Müller", "email": "ada@hansa.example"}]},
    "add_suppression": {"tenant": "nordwind", "address": "ada@customer.example", "note": "asked not to be written to"},
    "add_domain": {"domain": "nordwind.example"},
    "create_token": {"name": "order service", "roles": ["sender"], "tenant": "nordwind", "days": 90},
}
"""JSON that a route takes, by the route's name."""
