"""Every hook, in the order of the flow. The docstrings are the reference.

What holds for all of them: implementations are called one by one in ascending `priority` (50 if not
given), then by plugin name; never by order of registration. An implementation that raises is skipped
for that call and reported through `livery_on_alarm` and the log; the flow goes on without it.
A hook may take fewer arguments than the specification names.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pluggy

from livery.channel import ChannelType
from livery.models.audience import Recipient
from livery.models.delivery import Attempt, Delivery
from livery.models.event import Event, EventType, Party, User
from livery.models.identity import Principal
from livery.models.notification import Notification
from livery.models.tenant import Tenant

NAMESPACE = "livery"
hookspec = pluggy.HookspecMarker(NAMESPACE)


# --------------------------------------------------------------------------- at start


@hookspec
def livery_register_event_types() -> Sequence[EventType]:  # type: ignore[empty-body]
    """Event types this plugin adds.

    Called once, when the engine opens. Results are joined. Two plugins that register one name are an
    error that stops the start, as is an exception.
    """


@hookspec
def livery_register_packs() -> Sequence[Path]:  # type: ignore[empty-body]
    """Folders of template packs this plugin brings; each holds a `pack.toml`.

    Called once, when the engine opens. Results are joined. Two packs with one id are an error that
    stops the start, as is an exception.
    """


@hookspec
def livery_register_channels() -> Sequence[ChannelType]:  # type: ignore[empty-body]
    """Channels this plugin adds.

    Called once, when the engine opens. Results are joined. Two plugins that register one name are an
    error that stops the start, as is an exception. Keep the module cheap to import: `ChannelType.load`
    is called when the channel is first used.
    """


# --------------------------------------------------------------------------- audience


@hookspec
def livery_directory(
    selectors: tuple[str, ...], customer: Party, user: User | None, chain: tuple[Tenant, ...]
) -> Mapping[str, Sequence[Recipient]] | None:
    """Answer an event's selectors from the host's own directory, all of them at once.

    Called when an event is planned, with every selector but `address:…`: those that count now, and those Livery
    falls back on when nobody is left in To. Answer those you know: an empty list is an answer too ("nobody").
    Those that are not in the answer are asked of the next implementation, and at last of Livery's own directory.

    Here an exception is not passed over: if this hook raises, answers something else or takes longer than
    `directory.deadline_seconds`, the event is accepted and waits, an alarm is raised, and the directory is asked
    again later. It is called in a thread of its own. Answers are kept for `directory.cache_seconds`, by selector,
    seller, customer id and user id: they may depend on nothing else.

    Args:
        selectors: such as `role:account_manager` or `organization_contact:customer.primary`.
        customer: the customer of the event.
        user: the user the event names, if any; for `event_user`.
        chain: the tenants concerned, from the platform down to the seller.

    """


# --------------------------------------------------------------------------- compose


@hookspec
def livery_amend_notification(notification: Notification, event: Event) -> Notification | None:
    """Change what is said, before it is rendered for any channel.

    Called once for each delivery, when it is first worked on. Implementations are piped: each gets
    what the one before returned; None leaves it as it is. After an exception the notification goes on
    as it was before that implementation.
    """


# --------------------------------------------------------------------------- after


@hookspec
def livery_on_outcome(delivery: Delivery, attempt: Attempt) -> None:
    """Observe the end of an attempt, after it is recorded.

    Called in the worker, once for each attempt; results are ignored, an exception changes nothing. A
    crash between record and call loses the call: read the log where every outcome counts.
    """


@hookspec
def livery_on_alarm(kind: str, message: str, event: Event | None) -> None:
    """Observe what an operator must know: a message nobody can receive, a plugin that raised.

    Called as it happens; results are ignored. An exception here is only logged.

    Args:
        kind: `unreachable` (an event reached no person), `directory` (the host's directory does not answer),
            `degraded` (a pack fell back to its parent),
            `hook_failed` (a plugin raised), `dead` (a delivery was given up), `paused` (a destination keeps failing),
            `disabled` (a destination is gone for good), `domain_lost` (a sender domain is no longer verified), `swept`
            (work had lost its wake and was found again).
        message: one sentence for the operator; holds no secrets.
        event: the event concerned, if there is one.

    """


# --------------------------------------------------------------------------- who asks, over HTTP


@hookspec
def livery_authenticate(headers: Mapping[str, str], scope: Mapping[str, Any]) -> Principal | None:
    """Say who sends a request to the HTTP service, by the host's own identity.

    Called for every request that comes with no token of Livery's; the first answer that is not None counts. None
    means "I know nothing of this", and the next implementation is asked; if none knows, the request is answered with
    401. An implementation that raises has not answered. It is called in a thread of its own.

    What the principal may see and do is what it says: its tenant must be one of Livery's. Requests that change
    something and come from another site's page are refused before the principal counts.

    Args:
        headers: of the request, by lower-case names.
        scope: the ASGI scope, with whatever the host's own middleware has put there, such as `scope["user"]`.

    """
