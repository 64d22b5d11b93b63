"""Planning: from an event to the deliveries it makes. Owns who is told on which channel, from whom."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livery.channel import ChannelType
from livery.channels import Channels
from livery.config import Config
from livery.errors import Problem, UnknownSeller, shown
from livery.hooks import Hooks
from livery.ids import new_id
from livery.locales import one_line
from livery.models.audience import Audience, Endpoint
from livery.models.delivery import Delivery, State
from livery.models.event import Event, EventType
from livery.models.explanation import Planned
from livery.models.message import Envelope
from livery.models.tenant import Chain, seller_name
from livery.ports import Plan
from livery.steps import audience, copies
from livery.tenants import Tree

PERSONS = "persons"
_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Plans:
    """The deliveries one event makes, and why these."""

    audience: Audience
    plans: tuple[Plan, ...]
    enabled: bool
    enabled_why: str

    @property
    def unreachable(self) -> bool:
        """Somebody should be told, and no person is."""
        return self.enabled and not self.audience.reaches_a_person


@dataclass(frozen=True, slots=True)
class From:
    """The sender of an e-mail, and why it is this one."""

    name: str
    address: str
    reply_to: str
    why: str


@dataclass(frozen=True, slots=True)
class _Target:
    """Where one delivery goes: a copy of the audience, or an endpoint."""

    copy: copies.Copy
    endpoint: Endpoint | None = None

    @property
    def unique(self) -> str:
        return self.endpoint.key if self.endpoint else f"{PERSONS} {self.copy.name}".strip()


class Planner:
    """Plans deliveries by the settings of one engine.

    Args:
        config: the settings.
        hooks: the plugins.
        types: event types by name.
        channels: the channels.
        tenants: the tenants.
        blocks: whom the blocks of a notification are for, where the seller's pack says so.

    """

    def __init__(
        self,
        config: Config,
        hooks: Hooks,
        types: Mapping[str, EventType],
        channels: Channels,
        tenants: Tree,
        blocks: Callable[[Chain, EventType], copies.Audiences] = lambda _chain, _kind: (),
    ) -> None:
        self._config, self._hooks, self._types, self._channels = config, hooks, types, channels
        self._tenants, self._blocks = tenants, blocks

    def chain(self, event: Event, *, late: bool = False) -> Chain:
        """The tenants an event concerns, from the platform down to its seller.

        Args:
            event: the event.
            late: it was accepted before, so a seller that was removed meanwhile still counts.

        Raises:
            UnknownSeller: the seller is no tenant.

        """
        found = self._tenants.chain(event.seller_id, late=late)
        if found is None:
            # Which others there are is not for everybody to know who sends an event.
            expected = "a tenant; livery tenant list shows them; livery tenant add, or add [tenants.…] to livery.toml"
            raise UnknownSeller("unknown seller:", [Problem("data.seller.id", expected, shown(event.seller_id))])
        return found

    def plan(self, event: Event, now: datetime, *, late: bool = False) -> Plans:
        """One delivery for the audience of each channel to persons, one for each endpoint of the others."""
        kind, chain = self._types[event.type], self.chain(event, late=late)
        enabled, why = audience.is_enabled(kind, chain)
        if not enabled:
            return Plans(Audience(warnings=(f"Switched off by {why}.",)), (), enabled=False, enabled_why=why)
        who = audience.resolve(event, kind, chain, directory=self._directory)
        endpoints = [one for channel in self._channels.enabled() for one in self._endpoints(channel, chain)]
        who = who.model_copy(update={"endpoints": tuple(endpoints)})
        sender = self.sender(chain, event)
        letters = copies.split(who, event.data, self._blocks(chain, kind))
        plans = [
            self._one(event, channel, target, sender, now)
            for channel in self._channels.enabled()
            for target in self._targets(channel, who, letters)
        ]
        return Plans(who, tuple(plans), enabled=True, enabled_why=why)

    def specimen(self, event: Event, now: datetime) -> Envelope:
        """An envelope for a preview where no delivery is planned: nobody in it, only the sender."""
        return self._envelope(event, Audience(), None, self.sender(self.chain(event), event), now)

    def sender(self, chain: Chain, event: Event) -> From:
        """The nearest tenant's own address if its domain is verified; else the platform's, in the seller's name."""
        seller = chain[-1]
        name = seller.sender.name or seller_name(chain, event)
        reply_to = next((one.sender.reply_to for one in reversed(chain) if one.sender.reply_to), None) or ""
        platform = self._config.sender
        why = "the platform's address"
        for tenant in reversed(chain):
            own = tenant.sender.address
            if own is None:
                continue
            if own.rpartition("@")[2].lower() in map(str.lower, self._config.verified_domains):
                return From(one_line(name, _NAME_LENGTH), own, reply_to, f"from {tenant.level} {tenant.id}")
            why = f"the platform's address: the domain of {own} ({tenant.level} {tenant.id}) is not verified"
            reply_to = reply_to or own
            break
        address = platform.address or f"notifications@{self._config.message_id_domain}"
        return From(one_line(name, _NAME_LENGTH), address, reply_to or platform.reply_to or "", why)

    def _targets(self, channel: ChannelType, who: Audience, letters: list[copies.Copy]) -> list[_Target]:
        if channel.addressing == PERSONS:
            return [_Target(copy) for copy in letters]
        mine = [one for one in who.endpoints if one.channel == channel.name]
        return [_Target(copies.Copy(who, (copies.view_of_endpoint(one),)), one) for one in mine]

    def _one(
        self,
        event: Event,
        channel: ChannelType,
        target: _Target,
        sender: From,
        now: datetime,
    ) -> Plan:
        who, where = target.copy.audience, target.endpoint
        envelope = self._envelope(event, who, where, sender, now)
        planned = Planned(
            channel=channel.name,
            destination=where.label if where else ", ".join(envelope.addresses),
            origin=where.origin if where else "; ".join(dict.fromkeys(entry.why() for entry in who.entries)),
            sender="" if where else sender.address,
            sender_why="" if where else sender.why,
            reader_locale=None if where else next((one.locale for one in who.at("to") if one.locale), None),
            views=tuple(view.words() for view in target.copy.views),
            withheld=target.copy.withheld(event.data),
        )
        told = who.model_dump(mode="json", exclude={"endpoints"})
        delivery = Delivery(
            id=envelope.delivery_id,
            tenant=event.seller_id,
            event_key="",
            event_id=event.id,
            event_type=event.type,
            channel=channel.name,
            destination=planned.destination,
            state=State.PENDING,
            due_at=now,
            created_at=now,
            message_id=envelope.message_id,
            warnings=() if where else who.warnings,
            trace={**planned.model_dump(mode="json", exclude={"wording"}), "audience": told},
        )
        return Plan(delivery, unique=target.unique, envelope=envelope, endpoint=where)

    def _envelope(self, event: Event, who: Audience, where: Endpoint | None, sender: From, now: datetime) -> Envelope:
        id_ = new_id("dlv", now)
        return Envelope(
            delivery_id=id_,
            event_id=event.id,
            event_type=event.type,
            created_at=now,
            message_id=f"<{id_}@{self._config.message_id_domain}>",
            **({} if where else _letterhead(sender, who)),
        )

    def _endpoints(self, channel: ChannelType, chain: Chain) -> list[Endpoint]:
        if channel.addressing == PERSONS:
            return []
        return audience.endpoints(
            channel.name, chain, cumulative=channel.cumulative, configured=self._channels.endpoints
        )

    def _directory(self, selector: str, event: Event, chain: Chain) -> Any:
        return self._hooks.first("livery_resolve_recipients", selector=selector, event=event, chain=chain)


def _letterhead(sender: From, who: Audience) -> dict[str, Any]:
    places: dict[str, Any] = {place: who.at(place) for place in audience.PLACES}
    return {
        "sender_name": sender.name,
        "sender_address": sender.address,
        "reply_to": sender.reply_to,
        **places,
    }
