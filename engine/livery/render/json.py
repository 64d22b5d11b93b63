"""The JSON body of webhooks: the event as a CloudEvent, as it was accepted, but for what its receiver may not see."""

from collections.abc import Mapping
from typing import Any

from livery.locales import one_line
from livery.models.event import Event
from livery.models.message import Format, Message
from livery.render.text import plain

_SHOWN = ("locale", "direction", "subject", "title", "greeting", "closing", "signature", "footer", "pack")


def event_json(said: Mapping[str, Any], event: Event) -> Message:
    """The event itself: systems read data, not prose. The title is what a person sees in the log.

    Args:
        said: the notification, as plain data.
        event: what it is said of.

    """
    body = event.model_dump(mode="json", exclude_unset=True, warnings=False)
    # Not validated: every part was made here, or when the event was accepted.
    return Message.trusted(
        format=Format.JSON,
        locale=said["locale"],
        title=one_line(said["title"], 200),
        text="",
        html="",
        inline=(),
        # An attribute of the envelope that is null is one that is not there (CloudEvents JSON format, 2.3).
        body={name: one for name, one in body.items() if one is not None},
        context={
            "notification": {**{name: said[name] for name in _SHOWN}, "text": plain(said)},
            "brand": dict(said["brand"]),
        },
        degraded=(),
    )
