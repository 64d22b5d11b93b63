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
