"""Planning: from an event to the deliveries it makes. Owns who is told on which channel, from whom."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livery.channels import Channels
from livery.config import Config
from livery.directory.answering import Answers
from livery.domains import ascii_form
from livery.errors import Problem, UnknownSeller, shown
from livery.ids import new_id
from livery.locales import one_line
from livery.models.audience import Audience, Endpoint
from livery.models.delivery import Delivery
from livery.models.event import Event, EventType
from livery.models.explanation import Planned, SwitchedOff
from livery.models.message import Envelope
from livery.models.tenant import Chain, seller_name
from livery.ports import Plan
from livery.sender_domains import Standing
from livery.settings.differences import ANY
from livery.settings.effect import as_said, chain_of, due_by
from livery.settings.live import Live
from livery.settings.resolving import Asked, Resolved
from livery.steps import audience, copies
from livery.tenants import Tree
from livery.ways import PERSONS, Outline, Way, Ways

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
        self._ways = Ways(types, channels, settings)

    def under(self, settings: Live) -> "Planner":
        """A planner that differs only in what the tenants' levels say."""
        other = copy(self)
        other._settings = settings  # noqa: SLF001 - it is one of us
        other._ways = Ways(other._types, other._channels, settings)  # noqa: SLF001
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
                wanted = self._ways.of(kind, chain, now).selectors
                asked.append([(wanted, event, chain) for event in alike] if wanted else [])
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
        outline = self._ways.of(event.type, chain, at)
        general, ways = outline.general, outline.ways
        on = [way for way in ways if way.enabled.value]
        off = tuple(
            SwitchedOff(channel=one.kind.name, origin=one.enabled.origin) for one in ways if not one.enabled.value
        )
        if not on and (off or not general.value):
            why = off[0].origin if general.value else general.origin
            said = Audience(warnings=(f"Switched off by {why}.",))
            return Plans(said, (), enabled=False, enabled_why=why, switched_off=off)
        told = self._told(event, chain, outline)
        endpoints = [where for way in on if not way.is_to_persons for where in self._endpoints(way)]
        together = audience.together(list(told.values()))
        if endpoints:
            together = together.model_copy(update={"endpoints": tuple(endpoints)})
        plans = [
            self._one(event, way, target, now) for way in on for target in self._targets(event, way, told, endpoints)
        ]
        return Plans(
            together, tuple(plans), enabled=True, enabled_why=general.origin, switched_off=off,
            is_for_persons=bool(told),
        )  # fmt: skip

    def resolved(self, chain: Chain, event_type: str, channel: str, at: datetime) -> Resolved:
        """What the levels' settings come to for an event type and channel (`*` for what is said of all)."""
        return self._ways.resolved(chain, event_type, channel, at)

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

    def _every(self, delivery: Delivery, channel: str) -> Resolved | None:
        """What all levels have of a channel, for a delivery."""
        self._settings.refresh()
        chain = self._tenants.chain(delivery.tenant, late=True)
        if chain is None or channel not in self._channels.types:
            return None
        return self._settings.resolved(
            chain, Asked(delivery.event_type, channel, is_cumulative=True), delivery.created_at
        )

    def _told(self, event: Event, chain: Chain, outline: Outline) -> dict[str, Audience]:
        """The audience of each channel to persons; of an event nobody set up one for, as if there were one."""
        known = self._directory.all(outline.selectors, event, chain)

        def off(addresses: Iterable[str]) -> Mapping[str, str]:
            return self._suppressions(chain, event.type, addresses)

        return {name: audience.resolve(one, known, kept_off=off) for name, one in outline.asked.items()}

    def _targets(
        self, event: Event, way: Way, told: Mapping[str, Audience], endpoints: list[Endpoint]
    ) -> list[_Target]:
        if way.is_to_persons:
            blocks = self._blocks(way.chain, self._types[event.type])
            return [_Target(copy) for copy in copies.split(told[way.kind.name], event.data, blocks)]
        mine = [one for one in endpoints if one.channel == way.kind.name]
        return [_Target(copies.Copy(Audience(), (copies.view_of_endpoint(one),)), one) for one in mine]

    def _one(self, event: Event, way: Way, target: _Target, now: datetime) -> Plan:
        who, where = target.copy.audience, target.endpoint
        sender = self.sender(way.chain, event)
        thread = self._types[event.type].thread_of(event) if way.kind.threads else ""
        envelope = self._envelope(event, who, where, sender, now, thread=thread)
        due, held = (now, "") if self._types[event.type].critical else due_by(way.settings, now)
        reads_their_own = where is None and way.settings["locale_policy"].value == "reader"
        planned = Planned.trusted(
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
            wording=None,
        )
        told = who.model_dump(mode="json", exclude={"endpoints"})
        delivery = Delivery.planned(
            id=envelope.delivery_id,
            tenant=event.seller_id,
            event_id=event.id,
            event_type=event.type,
            channel=way.kind.name,
            destination=planned.destination,
            due_at=due,
            created_at=now,
            message_id=envelope.message_id,
            warnings=() if where else who.warnings,
            trace={**planned.model_dump(mode="json", exclude={"wording"}), "audience": told},
        )
        return Plan(delivery, unique=target.unique, envelope=envelope, endpoint=where)

    def _envelope(
        self, event: Event, who: Audience, where: Endpoint | None, sender: From, now: datetime, *, thread: str = ""
    ) -> Envelope:
        id_ = new_id("dlv", now)
        return Envelope.trusted(
            delivery_id=id_,
            event_id=event.id,
            event_type=event.type,
            created_at=now,
            message_id=f"<{id_}@{self._config.message_id_domain}>",
            thread=thread,
            **_letterhead(None if where else sender, who),
        )

    def _endpoints(self, way: Way) -> list[Endpoint]:
        return self._channels.endpoints(way.kind.name, way.settings)


def _letterhead(sender: From | None, who: Audience) -> dict[str, Any]:
    """From whom to whom; of what goes to an endpoint, nothing."""
    places: dict[str, Any] = {place: who.at(place) if sender else () for place in audience.PLACES}
    return {
        "sender_name": sender.name if sender else "",
        "sender_address": sender.address if sender else "",
        "reply_to": sender.reply_to if sender else "",
        **places,
    }
