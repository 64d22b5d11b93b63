"""The one module plugins and packs import. Everything here keeps its meaning over minor versions."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

import pluggy

from livery.channel import Channel, ChannelType, ConfigPath, Dispatch, Limits, NoSettings, Offer
from livery.chat_hook import ChatHook, HookDestination
from livery.guard import Guard
from livery.hookspecs import NAMESPACE
from livery.joined import Joined
from livery.models.audience import Recipient
from livery.models.base import Model
from livery.models.classification import INTERNAL, PUBLIC, Classified, Side, secret
from livery.models.delivery import Attempt, Delivery, Outcome, Reason, RecipientResult
from livery.models.event import Event, EventData, EventPart, EventType
from livery.models.identity import Principal, Role
from livery.models.message import Envelope, Format, Inline, Message
from livery.models.notification import Notification
from livery.models.tenant import Tenant
from livery.outbound import Answer, ForbiddenTarget, Outbound, outcome_of

__all__ = [
    "INTERNAL",
    "PUBLIC",
    "Answer",
    "Attempt",
    "Channel",
    "ChannelType",
    "ChatHook",
    "Classified",
    "ConfigPath",
    "Delivery",
    "Dispatch",
    "Envelope",
    "Event",
    "EventData",
    "EventPart",
    "EventType",
    "ForbiddenTarget",
    "Format",
    "Guard",
    "HookDestination",
    "Inline",
    "Joined",
    "Limits",
    "Message",
    "Model",
    "NoSettings",
    "Notification",
    "Offer",
    "Outbound",
    "Outcome",
    "Principal",
    "Reason",
    "Recipient",
    "RecipientResult",
    "Role",
    "Side",
    "Tenant",
    "hookimpl",
    "outcome_of",
    "secret",
]

DEFAULT_PRIORITY = 50
_marker = pluggy.HookimplMarker(NAMESPACE)
_Hook = TypeVar("_Hook", bound=Callable[..., Any])


@overload
def hookimpl(function: _Hook, /) -> _Hook: ...
@overload
def hookimpl(*, priority: int = DEFAULT_PRIORITY) -> Callable[[_Hook], _Hook]: ...


def hookimpl(function: Any = None, /, *, priority: int = DEFAULT_PRIORITY) -> Any:
    """Mark a function as the implementation of the hook it is named after.

    Args:
        function: the hook function, when used as a bare decorator.
        priority: when to be called among all implementations; lower is earlier.

    """

    def mark(target: Callable[..., Any]) -> Callable[..., Any]:
        marked: Any = _marker(target)
        marked.livery_priority = priority
        return marked  # type: ignore[no-any-return]

    return mark if function is None else mark(function)
