"""The JSON body of webhooks: the event as a CloudEvent, as it was accepted, but for what its receiver may not see."""

from typing import Any

from livery.channel import Limits
from livery.locales import one_line
from livery.models.event import Event
from livery.models.message import Format, Message
from livery.models.notification import Notification
from livery.render.text import plain

_SHOWN = {"locale", "direction", "subject", "title", "greeting", "closing", "signature", "footer", "pack"}


def event_json(notification: Notification, event: Event, limits: Limits) -> Message:
    """The event itself: systems read data, not prose. The title is what a person sees in the log."""
    del limits
    said = event.model_dump(mode="json", exclude_unset=True, warnings=False)
    return Message(
        format=Format.JSON,
        locale=notification.locale,
        title=one_line(notification.title, 200),
        # An attribute of the envelope that is null is one that is not there (CloudEvents JSON format, 2.3).
        body={name: one for name, one in said.items() if one is not None},
        context={"notification": _said(notification), "brand": dict(notification.brand)},
    )


def _said(notification: Notification) -> dict[str, Any]:
    whole = notification.model_dump(mode="json")
    return {**{name: one for name, one in whole.items() if name in _SHOWN}, "text": plain(whole)}
