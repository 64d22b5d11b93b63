"""Writing: from an event to the exact message. Owns the choice of pack, language and stencil, and compose → render."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from livery.channel import ChannelType
from livery.channels import Channels
from livery.composing import Plain
from livery.config import Config
from livery.errors import NotFound, PackError
from livery.hooks import Hooks
from livery.locales import Choice
from livery.models.classification import View, concealed, hidden, marks, masked, redacted, secrets_of
from livery.models.event import Event, EventType
from livery.models.explanation import Wording
from livery.models.message import Envelope, Format, Inline, Message
from livery.models.notification import Notification
from livery.models.tenant import Chain, seller_name
from livery.packs.assets import Policy
from livery.packs.chain import PackChain
from livery.packs.stock import Stock
from livery.pictures import attached
from livery.render.json import event_json
from livery.render.message import Cards, Page, email, render
from livery.stencils import orders
from livery.stencils.press import Press
from livery.stencils.shelf import Shelf
from livery.stencils.stencil import Stencil
from livery.steps import compose

_MAX_WAYS = 20_000
_DIRECT = (Format.EMAIL, Format.JSON)  # what has room for so much only is written from the model


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads it and when it was accepted: what decides language and dates beside the event itself."""

    accepted_at: datetime
    reader_locale: str | None = None
    asked_locale: str | None = None
    views: tuple[View, ...] | None = None
    """What its readers may see; None for every block, and no secret."""
    is_preview: bool = False
    """Whether it is only looked at: secrets its readers may see are hidden all the same."""

    @property
    def sides(self) -> list[list[str]] | None:
        return None if self.views is None else [sorted(view.sides) for view in self.views]


@dataclass(frozen=True, slots=True)
class Written:
    """What is said, and what it was made with.

    Attributes:
        notification: what is said; plugins had their say.
        wording: how it came to these words.
        page: makes the HTML of an e-mail.
        cards: how the pack shows blocks elsewhere.

    """

    notification: Notification
    wording: Wording
    page: Page | None
    cards: Cards | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The exact message a channel would send, and how it was worded."""

    message: Message
    wording: Wording
    wire: bytes
    suffix: str


def reading_of(
    trace: Mapping[str, Any], accepted_at: datetime, *, asked_locale: str | None = None, is_preview: bool = False
) -> Reading:
    """The readers of a planned delivery, by its trace.

    Args:
        trace: as planning made it; one of a delivery planned before there were views has none of them.
        accepted_at: when the event was accepted.
        asked_locale: the language asked for.
        is_preview: see `Reading`.

    """
    words = trace.get("views")
    views = None if words is None else tuple(View.of(one) for one in words)
    return Reading(accepted_at, trace.get("reader_locale"), asked_locale, views, is_preview)


def shown(event: Event, reading: Reading) -> Event:
    """The event as its readers may see it."""
    data = event.data
    if not marks(type(data)):
        return event
    if reading.views is not None:
        data = masked(data, hidden(data, reading.views))
    if reading.views is None or reading.is_preview:
        data = concealed(data)
    return event.model_copy(update={"data": data})


class Writer:
    """Composes and renders with the packs of one engine.

    Args:
        config: the settings.
        hooks: the plugins.
        types: event types by name.
        stock: the packs.
        channels: the channels.
        shelf: where compiled stencils are kept.
        press: where they are compiled.

    """

    def __init__(  # noqa: PLR0913 - the composition root hands every part in
        self,
        config: Config,
        hooks: Hooks,
        types: Mapping[str, EventType],
        stock: Stock,
        channels: Channels,
        *,
        shelf: Shelf,
        press: Press,
    ) -> None:
        self._config, self._hooks, self._types, self._stock = config, hooks, types, stock
        self._channels, self._shelf, self._press = channels, shelf, press
        self._policy = Policy.of(config.images.model_dump())
        self._ways: dict[tuple[Any, ...], _Way] = {}
        self._audiences: dict[tuple[int, str], tuple[PackChain, frozenset[frozenset[str]]]] = {}

    def written(self, event: Event, chain: Chain, reading: Reading) -> Written:
        """What is said to these readers, before it is rendered for a channel."""
        event = shown(event, reading)
        way = self._way(event, chain, reading)
        order, kind = way.order, way.order.kind
        stencil: Stencil | None = None
        try:
            stencil = self._stencil(way)
            made, said = compose.compose(event, stencil, accepted_at=reading.accepted_at, sides=reading.sides)
            if not made.blocks and made.degraded:  # all that was to be said failed; an empty message tells nobody
                made, said = compose.built_in(kind, event, order.brand()[0], made.degraded), {}
                stencil = None
        except (NotFound, PackError) as error:
            made, said = compose.built_in(kind, event, order.brand()[0], [str(error)]), {}
        made = made.model_copy(update={"degraded": (*way.passed_over, *made.degraded)})
        amended = self._hooks.pipe("livery_amend_notification", "notification", notification=made, event=event)
        page: Page | None = None
        if stencil is not None:
            is_as_made = amended is made
            page = partial(_page, order.packs, stencil, said) if is_as_made else self._amended_page(order, amended)
        return Written(amended, _wording(amended, order.packs, order.choice), page, stencil)

    def message(
        self,
        event: Event,
        chain: Chain,
        channel: str,
        envelope: Envelope,
        reading: Reading,
        *,
        destination: Any = None,
    ) -> tuple[Message, Wording, bytes]:
        """The message a channel sends, how it was worded, and its exact bytes; a secret is in the bytes alone."""
        kind = self._channels.kind(channel)
        direct = self._directly(event, chain, reading, kind.format)
        message, wording = direct or self._by_notification(event, chain, reading, kind)
        wire = self._channels.open(channel).encode_for(destination, message, envelope)
        if secrets := secrets_of(event.data):
            message = message.model_copy(
                update={name: redacted(getattr(message, name), secrets) for name in ("title", "degraded")}
            )
            wording = Wording.model_validate(redacted(wording.model_dump(mode="json"), secrets))
        return message, wording, wire

    def _by_notification(
        self, event: Event, chain: Chain, reading: Reading, kind: ChannelType
    ) -> tuple[Message, Wording]:
        done = self.written(event, chain, reading)
        message = render(
            done.notification,
            shown(event, reading),
            wanted=kind.format,
            limits=kind.limits,
            page=done.page,
            cards=done.cards,
        )
        return message, done.wording.model_copy(update={"degraded": message.degraded})

    def _directly(self, event: Event, chain: Chain, reading: Reading, wanted: Format) -> tuple[Message, Wording] | None:
        """The same where no plugin has a say in it, as plain data all the way. None if it is not so simple."""
        if wanted not in _DIRECT or self._hooks.implementations("livery_amend_notification"):
            return None
        event = shown(event, reading)
        way = self._way(event, chain, reading)
        try:
            stencil = self._stencil(way)
            said = compose.said(event, stencil, accepted_at=reading.accepted_at, sides=reading.sides)
        except (NotFound, PackError):
            return None
        if not said["blocks"] and said["degraded"]:
            return None
        said["degraded"] = [*way.passed_over, *said["degraded"]]
        is_email = wanted is Format.EMAIL
        page = partial(_page, way.order.packs, stencil, said)
        message = email(said, page, stencil) if is_email else event_json(said, event)
        choice = way.order.choice
        wording = Wording.trusted(
            locale=choice.tag,
            locale_why=choice.why,
            locale_fallbacks=choice.fallbacks,
            packs=way.labels,
            digests=way.digests,
            subject=said["subject"],
            pieces=compose.pieces(said["trace"]),
            degraded=message.degraded,
        )
        return message, wording

    def audiences(self, chain: Chain, kind: EventType) -> frozenset[frozenset[str]]:
        """Whom the blocks of a notification are for, where the seller's pack says so."""
        packs = self.packs(chain)[0]
        key = (id(packs), kind.notification)
        if self._audiences.get(key, (None,))[0] is not packs:
            if len(self._audiences) >= _MAX_WAYS:
                self._audiences.clear()
            self._audiences[key] = (packs, packs.audiences(kind.notification))
        return self._audiences[key][1]

    def compiled(self, event: Event, chain: Chain, reading: Reading) -> Plain:
        """The stencil of a message as plain data, to be kept elsewhere.

        Raises:
            NotFound: no pack has words for it.
            PackError: it cannot be compiled.

        """
        way = self._way(event, chain, reading)
        return self._shelf.data(way.name(), self._compiling(way.order))[0]

    def digest(self, event: Event, chain: Chain, reading: Reading) -> str:
        """Names the stencil of a message: the digest of all it is made of but the event.

        Raises:
            NotFound: no pack has words for it.

        """
        return self._way(event, chain, reading).name()

    def choice(self, chain: Chain, packs: PackChain, reading: Reading) -> Choice:
        """The language to write in."""
        last = self._config.default_locale
        return compose.choose_locale(chain, packs, reading.reader_locale, last, asked=reading.asked_locale)

    def news(self, pack: Sequence[str], degraded: Sequence[str]) -> list[str]:
        """What of `degraded` was not said before of this version of the pack: its owner is told once."""
        return [one for one in degraded if self._shelf.is_first(f"{self._config.database_url} {pack} {one}")]

    def packs(self, chain: Chain) -> tuple[PackChain, tuple[str, ...]]:
        """The pack of the nearest tenant that names a usable one, else the default; and what was passed over."""
        named = [tenant.pack for tenant in reversed(chain) if tenant.pack]
        passed_over: list[str] = []
        for name in [*named, self._config.default_pack]:
            try:
                return self._stock.chain(name, chain), tuple(passed_over)
            except (NotFound, PackError) as error:
                passed_over.append(str(error))
        return PackChain(()), tuple(passed_over)

    def _way(self, event: Event, chain: Chain, reading: Reading) -> "_Way":
        """What is known of how such an event is told to these tenants' readers in their language."""
        state, name = self._stock.state(), seller_name(chain, event)
        # By identity: comparing tenants costs more than filling a stencil. A way keeps alive what it is known by.
        key = (event.type, name, reading.reader_locale, reading.asked_locale, *map(id, chain))
        way = self._ways.get(key)
        if way is not None and way.state is state:
            return way
        packs, passed_over = self.packs(chain)
        if way is None or way.order.packs is not packs or way.passed_over != passed_over:
            order = _Order(
                packs, self._types[event.type], chain, name, self.choice(chain, packs, reading), self._policy
            )
            labels = tuple(pack.label for pack in packs.packs)
            way = _Way(order, passed_over, labels, tuple(pack.digest for pack in packs.packs))
            if len(self._ways) >= _MAX_WAYS:
                self._ways.clear()
            self._ways[key] = way
        # What was passed over may be usable before anything tells of it.
        way.state = None if passed_over else state
        return way

    def _stencil(self, way: "_Way") -> Stencil:
        return self._shelf.get(way.name(), self._compiling(way.order))

    def _compiling(self, order: "_Order") -> Callable[[], Plain]:
        return lambda: self._press.ask({"op": "compile", "order": order.plain()})

    def _amended_page(self, order: "_Order", amended: Notification) -> Page:
        """A plugin changed what is said, so no stencil fits: the pack is rendered for this one, in the worker."""

        def page() -> tuple[str, list[str], list[Inline]]:
            said: dict[str, Any] = amended.model_dump(mode="json")
            plain = order.plain()
            try:
                made = self._press.ask({"op": "page", "order": plain, "said": said})
            except PackError as error:
                return "", [str(error)], []
            html = made["html"]
            return html, *_with_images(html, list(made["notes"]), order.packs, plain["script"]["pictures"])

        return page


def _page(packs: PackChain, stencil: Stencil, said: Plain) -> tuple[str, list[str], list[Inline]]:
    html, notes = stencil.html(said)
    return html, *_with_images(html, notes, packs, stencil.pictures)


def _with_images(html: str, notes: list[str], packs: PackChain, pictures: Plain) -> tuple[list[str], list[Inline]]:
    """What is to be said of an e-mail, and the images that go with it."""
    refs, left_out = attached(html, pictures)
    if not refs:
        return [*notes, *left_out], []
    by_id = {pack.id: pack for pack in packs.packs}
    images = [
        Inline(
            cid=ref["cid"], media_type=ref["media_type"], filename=ref["filename"],
            data=by_id[ref["pack"]].asset(ref["path"]) or b"",
        )
        for ref in refs
    ]  # fmt: skip
    return [*notes, *left_out], images


@dataclass(frozen=True, slots=True)
class _Order:
    """What decides which stencil a message takes."""

    packs: PackChain
    kind: EventType
    chain: Chain
    name: str
    choice: Choice
    policy: Policy

    def brand(self) -> tuple[dict[str, str], Plain, tuple[str, ...]]:
        return compose.brand(self.chain, self.packs, self.name, self.policy)

    def plain(self) -> Plain:
        kind = self.kind
        tokens, pictures, notes = self.brand()
        made = orders.order(
            self.packs, kind.notification, kind.name, choice=self.choice, brand=tokens, pictures=pictures
        )
        made["script"]["notes"] += [*self.packs.set_aside(kind.notification), *notes]
        return made


@dataclass(slots=True)
class _Way:
    """An order, and what goes with it: the packs that could not be used, the names of those that are."""

    order: _Order
    passed_over: tuple[str, ...]
    labels: tuple[str, ...]
    digests: tuple[str, ...]
    state: object = None
    """Of the stock, while it was found so; None if it has to be looked for every time."""
    _name: str = ""

    def name(self) -> str:
        """The name of the stencil; the order itself is put together only if it is not known yet."""
        if not self._name:
            self._name = orders.digest(self.order.plain())
        return self._name


def _wording(said: Notification, packs: PackChain, choice: Choice) -> Wording:
    return Wording(
        locale=choice.tag,
        locale_why=choice.why,
        locale_fallbacks=choice.fallbacks,
        packs=tuple(pack.label for pack in packs.packs),
        digests=tuple(pack.digest for pack in packs.packs),
        subject=said.subject,
        pieces=said.trace,
        degraded=said.degraded,
    )
