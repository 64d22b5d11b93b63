"""The JSON body of webhooks: the event as a CloudEvent, as it was accepted, but for what its receiver may not see."""

from livery.channel import Limits
from livery.models.event import Event
from livery.models.message import Format, Message
from livery.models.notification import Notification


def event_json(notification: Notification, event: Event, limits: Limits) -> Message:
    """The event itself: systems read data, not prose. The title is what a person sees in the log."""
    del limits
    return Message(
        format=Format.JSON,
        locale=notification.locale,
        title=notification.title,
        body=event.model_dump(mode="json", exclude_unset=True, warnings=False),
    )
