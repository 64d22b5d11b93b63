"""Planning: from an event to the deliveries it makes. Owns who is told on which channel, from whom."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livery.channel import ChannelType
from livery.channels import Channels
from livery.config import Config
from livery.directory.answering import Answers
from livery.domains import ascii_form
from livery.errors import Problem, UnknownSeller, shown
from livery.ids import new_id
from livery.locales import one_line
from livery.models.audience import Audience, Endpoint
from livery.models.delivery import Delivery, State
from livery.models.event import Event, EventType
from livery.models.explanation import Planned, SwitchedOff
from livery.models.message import Envelope
from livery.models.tenant import Chain, seller_name
from livery.ports import Plan
from livery.sender_domains import Standing
from livery.settings.differences import ANY
from livery.settings.effect import as_said, chain_of, due_by
from livery.settings.live import Live
from livery.settings.resolving import Answer, Asked, Resolved
from livery.steps import audience, copies
from livery.tenants import Tree

PERSONS = "persons"
KeptOff = Callable[[Chain, str, Iterable[str]], Mapping[str, str]]
"""For a seller's chain and an event type: of these addresses those that must not be written to, each with why."""
_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Plans:
    """The deliveries one event makes, and why these.

    Attributes:
        audience: of all channels together.
        plans: the deliveries.
        enabled: whether anybody is told at all.
        enabled_why: who says so.
        switched_off: channels that are not used for this event type.
        is_for_persons: whether the settings mean persons to be told.

    """

    audience: Audience
    plans: tuple[Plan, ...]
    enabled: bool
    enabled_why: str
    switched_off: tuple[SwitchedOff, ...] = ()
    is_for_persons: bool = True

    @property
    def unreachable(self) -> bool:
        """Somebody should be told, and no person is."""
        return self.enabled and self.is_for_persons and not self.audience.reaches_a_person


@dataclass(frozen=True, slots=True)
class From:
    """The sender of an e-mail, and why it is this one."""

    name: str
    address: str
    reply_to: str
    why: str


@dataclass(frozen=True, slots=True)
class _Way:
    """A channel an event may go out by, and what the levels say about it."""

    kind: ChannelType
    settings: Resolved
    chain: Chain
    """The tenants, with what they say about just this event type and channel."""

    @property
    def is_to_persons(self) -> bool:
        return self.kind.addressing == PERSONS

    @property
    def enabled(self) -> Answer:
        return self.settings["enabled"]


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
        directory: who the people are.
        types: event types by name.
        channels: the channels.
        tenants: the tenants.
        settings: what the tenants' levels say.
        suppressions: who must not be written to.
        standing: whether mail of a seller may come from a domain, where `verified_domains` does not have it.
        blocks: whom the blocks of a notification are for, where the seller's pack says so.

    """

    def __init__(  # noqa: PLR0913 - the composition root hands every part in
        self,
        config: Config,
        directory: Answers,
        types: Mapping[str, EventType],
        channels: Channels,
        tenants: Tree,
        *,
        settings: Live,
        suppressions: KeptOff = lambda _chain, _kind, _addresses: {},
        standing: Callable[[Chain, str], Standing] = lambda _chain, _domain: Standing(counts=False),
        blocks: Callable[[Chain, EventType], copies.Audiences] = lambda _chain, _kind: (),
    ) -> None:
        self._config, self._directory, self._types, self._channels = config, directory, types, channels
        self._tenants, self._settings, self._blocks = tenants, settings, blocks
        self._suppressions, self._domains = suppressions, standing
        self._verified = frozenset(map(ascii_form, config.verified_domains))
        self._asked: dict[tuple[str, str], Asked] = {}

    def under(self, settings: Live) -> "Planner":
        """A planner that differs only in what the tenants' levels say."""
        other = copy(self)
        other._settings = settings  # noqa: SLF001 - it is one of us
        return other

    def chain(self, event: Event, *, late: bool = False, within: str | None = None) -> Chain:
        """The tenants an event concerns, from the platform down to its seller.

        Args:
            event: the event.
            late: it was accepted before, so a seller that was removed meanwhile still counts.
            within: the tenant somebody acts for: a seller that is neither it nor below it does not exist.

        Raises:
            UnknownSeller: the seller is no tenant.

        """
        found = self._tenants.chain(event.seller_id, late=late)
        if found is None or (within is not None and within not in [one.id for one in found]):
            # Which others there are is not for everybody to know who sends an event.
            expected = "a tenant; livery tenant list shows them; livery tenant add, or add [tenants.…] to livery.toml"
            raise UnknownSeller("unknown seller:", [Problem("data.seller.id", expected, shown(event.seller_id))])
        return found

    def expect(self, events: Sequence[Event], now: datetime) -> None:
        """Read at once what planning these events will ask of the directory and of the suppression list.

        Only saves queries: what was not read ahead is asked for when it is needed.
        """
        if len(events) < 2:  # noqa: PLR2004 - one event asks for all it wants at once
            return
        self._settings.refresh()
        groups: dict[tuple[str, str], list[Event]] = {}
        for event in events:
            groups.setdefault((event.seller_id, event.type), []).append(event)
        asked: list[list[tuple[Sequence[str], Event, Chain]]] = []
        for (seller, kind), alike in groups.items():
            if chain := self._tenants.chain(seller):
                settings = self._asked_of_people(kind, chain, self._ways(kind, chain, now), now)
                wanted = [selector for one in settings.values() for selector in audience.selectors(one)]
                asked.append([(wanted, event, chain) for event in alike] if settings else [])
        rows = self._directory.expect(one for mine in asked for one in mine)
        for mine in filter(None, asked):
            _, first, line = mine[0]
            known = rows if len(asked) == 1 else self._directory.expect(mine)
            people = [row.email for row in known if row.email]
            people += [user.email for _, event, _ in mine if (user := event.data.user) and user.email]
            self._suppressions(line, first.type, people)

    def plan(self, event: Event, now: datetime, *, accepted_at: datetime | None = None) -> Plans:
        """One delivery for the audience of each channel to persons, one for each endpoint of the others.

        Args:
            event: the event.
            now: when the deliveries are made.
            accepted_at: when the event was, if before: what is scheduled is judged by that, and a seller that was
                removed meanwhile still counts.

        """
        self._settings.refresh()
        chain, at = self.chain(event, late=accepted_at is not None), accepted_at or now
        general = self.resolved(chain, event.type, ANY, at)["enabled"]
        ways = self._ways(event.type, chain, at)
        on = [way for way in ways if way.enabled.value]
        off = tuple(SwitchedOff(channel=one.kind.name, origin=one.enabled.origin) for one in ways if one not in on)
        if not on and (off or not general.value):
            why = off[0].origin if general.value else general.origin
            said = Audience(warnings=(f"Switched off by {why}.",))
            return Plans(said, (), enabled=False, enabled_why=why, switched_off=off)
        told = self._told(event, chain, ways, at)
        endpoints = [where for way in on if not way.is_to_persons for where in self._endpoints(way)]
        together = audience.together(list(told.values())).model_copy(update={"endpoints": tuple(endpoints)})
        plans = [
            self._one(event, way, target, now) for way in on for target in self._targets(event, way, told, endpoints)
        ]
        return Plans(
            together, tuple(plans), enabled=True, enabled_why=general.origin, switched_off=off,
            is_for_persons=bool(told),
        )  # fmt: skip

    def resolved(self, chain: Chain, event_type: str, channel: str, at: datetime) -> Resolved:
        """What the levels' settings come to for an event type and channel (`*` for what is said of all)."""
        return self._settings.resolved(chain, self._asking(event_type, channel), at)

    def settled(self, event: Event, channel: str, at: datetime, *, late: bool = False) -> Chain:
        """The tenants an event concerns, each with pack, language and sender as they count for a channel.

        Raises:
            UnknownSeller: the seller is no tenant.

        """
        self._settings.refresh()
        chain = self.chain(event, late=late)
        return chain_of(self.resolved(chain, event.type, channel, at), chain)

    def destination(self, delivery: Delivery, endpoint: Endpoint) -> Any:
        """The destination an endpoint of a delivery stands for; None if it is no longer configured."""
        found = self._every(delivery, endpoint.channel)
        return found and self._channels.destinations(endpoint.channel, found).get(endpoint.key)

    def accounts(self, delivery: Delivery) -> list[Any]:
        """What a seller and the tenants above it have for a channel that writes to persons, its own first."""
        found = self._every(delivery, delivery.channel)
        return list(reversed(self._channels.destinations(delivery.channel, found).values())) if found else []

    def specimen(self, event: Event, now: datetime, channel: str = ANY) -> Envelope:
        """An envelope for a preview where no delivery is planned: nobody in it, only the sender."""
        sender = self.sender(self.settled(event, channel, now), event)
        return self._envelope(event, Audience(), None, sender, now)

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
            domain = own.rpartition("@")[2]
            standing = self._standing(chain, domain)
            if standing.counts:
                return From(one_line(name, _NAME_LENGTH), own, reply_to, f"from {tenant.level} {tenant.id}")
            to_do = f": {standing.to_do}" if standing.to_do else ""
            why = f"the platform's address: the domain of {own} ({tenant.level} {tenant.id}) is not verified{to_do}"
            reply_to = reply_to or own
            break
        address = platform.address or f"notifications@{self._config.message_id_domain}"
        return From(one_line(name, _NAME_LENGTH), address, reply_to or platform.reply_to or "", why)

    def _standing(self, chain: Chain, domain: str) -> Standing:
        if ascii_form(domain) in self._verified:
            return Standing(counts=True)
        return self._domains(chain, domain)

    def _asking(self, event_type: str, channel: str) -> Asked:
        made = self._asked.get((event_type, channel))
        if made is None:
            kind, way = self._types.get(event_type), self._channels.types.get(channel)
            places: dict[str, Any] = {place: getattr(kind, place) for place in audience.PLACES} if kind else {}
            defaults: dict[str, Any] = {"enabled": True, "locale_policy": "reader", **places}
            made = Asked(event_type, channel, defaults, is_cumulative=bool(way and way.cumulative))
            self._asked[event_type, channel] = made
        return made

    def _ways(self, event_type: str, chain: Chain, at: datetime) -> list[_Way]:
        """The channels that are set up for a seller, whether they are switched on or not."""
        ways = []
        for name, kind in sorted(self._channels.types.items()):
            if kind.addressing == PERSONS and not self._channels.has_settings(name):
                continue
            settings = self.resolved(chain, event_type, name, at)
            if kind.addressing == PERSONS or settings["destinations"].items:
                ways.append(_Way(kind, settings, chain_of(settings, chain)))
        return ways

    def _every(self, delivery: Delivery, channel: str) -> Resolved | None:
        """What all levels have of a channel, for a delivery."""
        self._settings.refresh()
        chain = self._tenants.chain(delivery.tenant, late=True)
        if chain is None or channel not in self._channels.types:
            return None
        return self._settings.resolved(
            chain, Asked(delivery.event_type, channel, is_cumulative=True), delivery.created_at
        )

    def _told(self, event: Event, chain: Chain, ways: list[_Way], at: datetime) -> dict[str, Audience]:
        """The audience of each channel to persons; of an event nobody set up one for, as if there were one."""
        asked = self._asked_of_people(event.type, chain, ways, at)
        look_up = self._directory.lookup(event, chain)
        look_up([selector for settings in asked.values() for selector in audience.selectors(settings)])

        def off(addresses: Iterable[str]) -> Mapping[str, str]:
            return self._suppressions(chain, event.type, addresses)

        return {name: audience.resolve(one, directory=look_up, kept_off=off) for name, one in asked.items()}

    def _asked_of_people(self, event_type: str, chain: Chain, ways: list[_Way], at: datetime) -> Mapping[str, Resolved]:
        asked = {way.kind.name: way.settings for way in ways if way.is_to_persons and way.enabled.value}
        if not any(way.is_to_persons for way in ways):
            asked = {ANY: self.resolved(chain, event_type, ANY, at)}
        return asked

    def _targets(
        self, event: Event, way: _Way, told: Mapping[str, Audience], endpoints: list[Endpoint]
    ) -> list[_Target]:
        if way.is_to_persons:
            blocks = self._blocks(way.chain, self._types[event.type])
            return [_Target(copy) for copy in copies.split(told[way.kind.name], event.data, blocks)]
        mine = [one for one in endpoints if one.channel == way.kind.name]
        return [_Target(copies.Copy(Audience(), (copies.view_of_endpoint(one),)), one) for one in mine]

    def _one(self, event: Event, way: _Way, target: _Target, now: datetime) -> Plan:
        who, where = target.copy.audience, target.endpoint
        sender = self.sender(way.chain, event)
        envelope = self._envelope(event, who, where, sender, now)
        if way.kind.threads:
            envelope = envelope.model_copy(update={"thread": self._types[event.type].thread_of(event)})
        due, held = (now, "") if self._types[event.type].critical else due_by(way.settings, now)
        reads_their_own = where is None and way.settings["locale_policy"].value == "reader"
        planned = Planned(
            channel=way.kind.name,
            destination=where.label if where else ", ".join(envelope.addresses),
            origin=where.origin if where else "; ".join(dict.fromkeys(entry.why() for entry in who.entries)),
            sender="" if where else sender.address,
            sender_why="" if where else sender.why,
            reader_locale=next((one.locale for one in who.at("to") if one.locale), None) if reads_their_own else None,
            views=tuple(view.words() for view in target.copy.views),
            withheld=target.copy.withheld(event.data),
            due=due if held else None,
            held=held,
            settings=as_said(way.settings, is_to_persons=way.is_to_persons),
        )
        told = who.model_dump(mode="json", exclude={"endpoints"})
        delivery = Delivery(
            id=envelope.delivery_id,
            tenant=event.seller_id,
            event_key="",
            event_id=event.id,
            event_type=event.type,
            channel=way.kind.name,
            destination=planned.destination,
            state=State.PENDING,
            due_at=due,
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

    def _endpoints(self, way: _Way) -> list[Endpoint]:
        return self._channels.endpoints(way.kind.name, way.settings)


def _letterhead(sender: From, who: Audience) -> dict[str, Any]:
    places: dict[str, Any] = {place: who.at(place) for place in audience.PLACES}
    return {
        "sender_name": sender.name,
        "sender_address": sender.address,
        "reply_to": sender.reply_to,
        **places,
    }
