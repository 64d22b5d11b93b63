"""The composition root: picks the parts, wires them, and is the whole Python surface."""

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random, SystemRandom
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from livery.acceptance import Acceptance, Raw
from livery.addresses import normal
from livery.administration.checks import Checks, check_configured
from livery.administration.desk import Parts
from livery.administration.facade import Settings
from livery.channels import Channels
from livery.config import Config, find_file
from livery.delivery_log import DeliveryLog
from livery.depot import Packs
from livery.directory.answering import Answers
from livery.directory.facade import Directory
from livery.directory.host import HostDirectory
from livery.domains import Resolver
from livery.errors import LiveryError
from livery.hooks import Hooks, Loaded, unique
from livery.identity import Identity, Sessions
from livery.models.event import Event, EventType
from livery.models.explanation import Explanation, Planned
from livery.packs.chain import Changes, Library
from livery.packs.installed import installed_packs
from livery.packs.signatures import Trust
from livery.packs.stock import Stock
from livery.planning import Planner
from livery.ports import Claim, Duty, Now, Suppress, nobody_suppressed, utc_now
from livery.safe import Safe
from livery.sender_domains import SenderDomains
from livery.settings.live import Live
from livery.stencils.press import Press
from livery.stencils.shelf import Shelf, cache_folder
from livery.steps import accept
from livery.suppressions import Suppressions
from livery.tenants import Tenants
from livery.vault import Vault
from livery.writing import Preview, Writer, reading_of

if TYPE_CHECKING:
    from livery.storage.rotation import Rotated
    from livery.workshop import Workshop

_ENGINES: "WeakSet[Engine]" = WeakSet()
_OF_PARENTS: list[object] = []


class Engine(Acceptance, DeliveryLog):
    """One configured Livery. Open it once in a process and share it; every method is safe from any thread.

    The store is opened when it is first needed: `explain` and `preview` read one that is there, and make none. A
    process may fork: the child's engine opens the store anew.
    """

    def __init__(
        self,
        config: Config,
        *,
        plugins: Mapping[str, object] | None = None,
        now: Now = utc_now,
        random: Random | None = None,
        resolve: Resolver | None = None,
    ) -> None:
        self.config = config
        self.now, self.random = now, random or SystemRandom()
        self._lock = Lock()
        self.vault = Vault(one.get_secret_value() for one in config.secret_keys)
        self._workshop: Workshop | None = None
        self.suppress: Suppress = nobody_suppressed
        """Asked right before every send whom not to write to."""
        self._is_checked = False
        self.hooks = Hooks()
        self.hooks.load(blocked=config.blocked_plugins)
        for name, plugin in (plugins or {}).items():
            self.hooks.register(plugin, name, distribution="this host")
        self.types: dict[str, EventType] = unique(
            self.hooks.collect("livery_register_event_types"), "event type", lambda kind: kind.name
        )
        check_configured(config, self.types)
        types = unique(self.hooks.collect("livery_register_channels"), "channel", lambda kind: kind.name)
        self.library = Library([*self._pack_sources(), *config.pack_paths])
        self._tell_of_packs()
        self.stock = Stock(self.library, self._maybe("packs"), trust=Trust.of(config.packs))
        self.channels = Channels(types, config)
        self.tenants = Tenants(config, self._maybe("tenants"), made=self._always("tenants"), now=now)
        self.directory = Directory(self.tenants, self._maybe("directory"), made=self._always("directory"))
        self.live = Live(self._maybe("settings"))
        self.suppressions = Suppressions(
            self.tenants,
            normal,
            made=lambda: self._opened().suppressions,
            found=self._maybe("suppressions"),
            now=now,
            bounced_for=timedelta(days=config.delivery.bounce_days),
        )
        self.identity = Identity(self.tenants, made=self._always("identity"), found=self._maybe("identity"), now=now)
        self.sessions = self._sessions()
        self.domains = self._sender_domains(resolve or config.domains.resolver())
        self.press = Press()
        self.shelf = Shelf(cache_folder(), shared=self._maybe("stencils"))
        self.writer = Writer(
            config, self.hooks, self.types, self.stock, self.channels, shelf=self.shelf, press=self.press
        )
        self.answers = Answers(self._maybe("directory"), HostDirectory(self.hooks, config.directory).ask)
        parts, off = (config, self.answers, self.types, self.channels, self.tenants), self.suppressions.kept_off
        standing, blocks = self.domains.standing, self.writer.audiences
        self.planner = Planner(*parts, settings=self.live, suppressions=off, standing=standing, blocks=blocks)
        self.settings = Settings(self._desk_parts())
        self.packs = Packs.of(self, made=self._always("packs"), found=self._maybe("packs"))
        _ENGINES.add(self)

    @classmethod
    def open(
        cls,
        config: Config | str | Path | None = None,
        *,
        plugins: Mapping[str, object] | None = None,
        **options: Any,
    ) -> Self:
        """Open an engine.

        Args:
            config: a Config, the path of a livery.toml, or None for LIVERY_CONFIG or ./livery.toml.
            plugins: the host's own hook implementations (modules or objects) by name, beside the installed ones.
            options: `now`, `random` and `resolve`, for tests that need a clock, a chance and a DNS of their own.

        Raises:
            ConfigError: a setting is wrong; every one is listed.
            PluginError: a plugin misuses a hook, or two claim one name. A pack that cannot be read stops nothing:
                it is set aside, with an alarm.

        """
        if not isinstance(config, Config):
            config = Config.load(config if config is not None else find_file())
        return cls(config, plugins=plugins, **options)

    # ------------------------------------------------------------------ events

    def read(self, event: Raw) -> Event:
        """Validate an event as `accept` would. Stores nothing.

        Raises:
            EventError: names every field that is wrong.

        """
        read = accept.read(event, self.types)
        self.planner.chain(read)
        return read

    def explain(self, event: Raw) -> Explanation:
        """Who would be told, why, in which words and through what. Sends and stores nothing."""
        read, now = self.read(event), self.now()
        chain, plans = self.planner.chain(read), self.planner.plan(read, now)
        deliveries = []
        for plan in plans.plans:
            trace = {key: value for key, value in plan.delivery.trace.items() if key != "audience"}
            reading = reading_of(trace, now, is_preview=True)
            tenants = self.planner.settled(read, plan.delivery.channel, now)
            wording = self.writer.written(read, tenants, reading).wording
            deliveries.append(Planned.model_validate({**trace, "wording": wording}))
        return Explanation(
            event_id=read.id,
            event_type=read.type,
            seller=read.seller_id,
            chain=tuple(f"{tenant.level} {tenant.id}" for tenant in chain),
            enabled=plans.enabled,
            enabled_why=plans.enabled_why,
            audience=plans.audience,
            deliveries=tuple(deliveries),
            switched_off=plans.switched_off,
            unreachable=plans.unreachable,
        )

    def preview(
        self,
        event: Raw,
        *,
        channel: str = "smtp",
        locale: str | None = None,
    ) -> Preview:
        """The exact message one channel would send, in the reader's language or the one asked for. Sends nothing.

        Raises:
            NotFound: there is no such channel.

        """
        read, now = self.read(event), self.now()
        kind = self.channels.kind(channel)
        plans = self.planner.plan(read, now)
        mine = next((plan for plan in plans.plans if plan.delivery.channel == channel), None)
        user = read.data.user
        reader = mine.delivery.trace["reader_locale"] if mine else (user.locale if user else None)
        envelope = mine.envelope if mine else self.planner.specimen(read, now, channel)
        trace = mine.delivery.trace if mine else {}
        reading = reading_of({**trace, "reader_locale": reader}, now, asked_locale=locale, is_preview=True)
        where = self.planner.destination(mine.delivery, mine.endpoint) if mine and mine.endpoint else None
        chain = self.planner.settled(read, channel, now)
        message, wording, wire = self.writer.message(read, chain, channel, envelope, reading, destination=where)
        return Preview(message, wording, wire, kind.suffix)

    def reload_packs(self) -> Changes:
        """Read all packs again; messages written from now on are in their new words. Safe while deliveries go on.

        An edit is in use as a whole or not at all: a pack that cannot be read now stays as it was, with an alarm.
        """
        changes = self.library.reload()
        self._tell_of_packs()
        return changes

    # ------------------------------------------------------------------ work

    def migrate(self) -> None:
        """Open the store now, and bring its schema up to date; otherwise that happens on first use.

        Call it at start where the first use is `accept(connection=...)`: a new store cannot be made while
        the host's own transaction holds the database.
        """
        self._opened()

    def drain(self) -> None:
        """Work until nothing is due; deliveries waiting for a later try stay stored.

        Does another process work on the same store, this waits until nothing is due there.
        """
        import asyncio

        if asyncio._get_running_loop() is not None:  # noqa: SLF001 - the public one raises instead of answering
            raise LiveryError("drain() was called inside an event loop; there, await engine.work(until_idle=True)")
        asyncio.run(self.work(until_idle=True))

    async def work(self, *, until_idle: bool = False, duty: Duty | None = None) -> None:
        """Work for ever, or until nothing is due. Cancelling it lets what is being sent end first.

        Args:
            until_idle: end once nothing is due.
            duty: the part of the work that this worker is for; all of it if None.

        Raises:
            ConfigError: a part of the work, on a store where one worker does all of it (SQLite).
            NotFound: a channel of `duty` does not exist.

        """
        for name in (duty and duty.channels) or ():
            self.channels.kind(name)
        try:
            await self._opened().work(duty or Duty(), until_idle=until_idle)
        finally:
            await self.channels.aclose()

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Work in the background for as long as the block runs: `async with engine.worker(): ...`"""
        from livery.beside import beside

        async with beside(self.work()):
            yield

    # ------------------------------------------------------------------ what was done

    def suppressed(self, claims: Sequence[Claim]) -> Sequence[Mapping[str, str]]:
        """Whom not to write to, right before sends, each with why: by the suppression list, and by `suppress`."""
        listed = self.suppressions.before_send(claims)
        return [{**off, **self.suppress(one.delivery, one.envelope)} for one, off in zip(claims, listed, strict=True)]

    def metrics(self) -> str:
        """The metrics of this process, in Prometheus' text format."""
        return self._opened().flow.telemetry.text()

    @property
    def registry(self) -> Any:
        """The same as a `prometheus_client.CollectorRegistry`, for hosts that serve it beside their own."""
        return self._opened().flow.telemetry.registry

    def rotate_secrets(self, *, only_look: bool = False) -> "Rotated":
        """Seal everything that is stored sealed under the newest of `secret_keys`; idempotent, and may be broken off.

        Args:
            only_look: change nothing, and say what is not under the newest key.

        """
        from livery.storage.rotation import rotate

        return rotate(self._opened().ledger.engine, self.vault, only_look=only_look)

    @property
    def plugins(self) -> Sequence[Loaded]:
        """Every plugin found, with what it implements or why it was skipped."""
        return self.hooks.plugins

    def close(self) -> None:
        """Close the store and end the worker. The engine starts them again if it is used again."""
        self.press.close()
        with self._lock:
            workshop, self._workshop = self._workshop, None
        if workshop is not None:
            workshop.close()

    def _leave_to_parent(self) -> None:
        """In a forked process: files, connections and the worker are the parent's, and not so much as closed here."""
        self._lock = Lock()
        _OF_PARENTS.append((self._workshop, self.press.left()))
        self._workshop = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ parts made on first use

    def _pack_sources(self) -> list[Path]:
        """Folders of packs: of distributions that only hold data, and of plugins that say where theirs lie."""

        def missing(name: str, problem: str) -> None:
            self.hooks.alarm("degraded", f"the pack {name} was not found: {problem}")

        blocked = self.config.blocked_plugins
        found = [folder for name, folder in installed_packs(report=missing) if name not in blocked]
        return [*found, *(Path(folder) for _, folder in self.hooks.collect("livery_register_packs"))]

    def _tell_of_packs(self) -> None:
        for said in self.library.faults():
            self.hooks.alarm("degraded", said)

    def _sender_domains(self, resolve: Resolver) -> SenderDomains:
        return SenderDomains(
            self.tenants,
            made=self._always("domains"),
            found=self._maybe("domains"),
            resolve=resolve,
            alarm=self.hooks.alarm,
            now=self.now,
            recheck=timedelta(days=self.config.domains.recheck_days),
        )

    def _sessions(self) -> Sessions:
        policy, made, found = self.config.sign_in, self._always("sessions"), self._maybe("sessions")
        idle, longest = timedelta(minutes=policy.idle_minutes), timedelta(hours=policy.hours)
        counts, now = self.identity.counts, self.now
        return Sessions(self.tenants, made=made, found=found, counts=counts, idle=idle, longest=longest, now=now)

    def _desk_parts(self) -> Parts:
        checks = Checks(
            self.types, self.channels, packs=lambda one: self.stock.ids(self.tenants.chain(one) or ()), vault=self.vault
        )
        read = Safe(self.vault, self.types).event
        return Parts(self.planner, self.live, checks, self.tenants, lambda: self._opened().settings, read, self.now)

    def _opened(self, *, checked: bool = True) -> "Workshop":
        """The parts that need the store, made on first use; by one thread, however many come at once.

        Where livery.toml and the store contradict each other, nothing works but what can mend it (`checked=False`).
        """
        with self._lock:
            if self._workshop is None:
                from livery.workshop import Workshop

                self._workshop = Workshop.of(self)
            workshop = self._workshop
        if checked and not self._is_checked:
            self.tenants.check()
            self._is_checked = True
        return workshop

    def _maybe(self, part: str) -> Callable[[], Any]:
        """Gives a part that needs the store, or None as long as there is no store."""
        always = self._always(part)
        return lambda: always() if self._workshop is not None or self.config.store_exists() else None

    def _always(self, part: str) -> Callable[[], Any]:
        return lambda: getattr(self._opened(checked=False), part)


def _forked() -> None:
    for engine in _ENGINES:
        engine._leave_to_parent()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
