"""The channels of one engine: their types, the operator's settings, the tenants' destinations, the open ones."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from importlib.util import find_spec
from typing import Any

from pydantic import ValidationError

from livery.channel import Channel, ChannelType
from livery.config import Config, problems_of
from livery.errors import ConfigError, NotFound, Problem, SettingsError
from livery.models.audience import Endpoint
from livery.outbound import Outbound
from livery.settings.resolving import Resolved
from livery.settings.sealed import Sealed

VIA = "via"
"""In a channel's settings: the channel that carries its messages instead."""


class Channels:
    """Knows every registered channel; loads one when it is first needed.

    Raises:
        ConfigError: settings or destinations name an unknown channel or do not fit its models; all problems at once.

    """

    def __init__(self, types: Mapping[str, ChannelType], config: Config) -> None:
        self.types = dict(types)
        self._config = config
        self._outbound = Outbound(config.outbound)
        self._open: dict[str, Channel] = {}
        self._classes: dict[str, type[Channel]] = {}
        self._settings: dict[str, Any] = {}
        problems = [*self._unknown(), *self._bridged(), *self._read_settings(), *self._read_destinations()]
        if problems:
            raise ConfigError("the channels are not configured right:", problems)

    def enabled(self) -> list[ChannelType]:
        """Channels something may go out by: those with settings, or with a destination of any tenant in livery.toml.

        One that writes to persons needs settings: a tenant's account carries that tenant's messages only.
        """
        used = {*self._config.channels, *(name for one in self._config.tenants.values() for name in one.channels)}
        return [kind for name, kind in sorted(self.types.items()) if name in used]

    def has_settings(self, name: str) -> bool:
        """Whether the operator has set the channel up."""
        return name in self._config.channels

    def kind(self, name: str) -> ChannelType:
        """A channel's descriptor.

        Raises:
            NotFound: names the channels there are.

        """
        if name not in self.types:
            raise NotFound(f"no channel is called {name!r}; there are: {', '.join(sorted(self.types))}")
        return self.types[name]

    def configured(self, channel: str, is_it: Callable[[Any], bool]) -> Any:
        """The first destination of a channel in livery.toml that `is_it`, of whichever tenant; None if none is."""
        raws = (raw for tenant in self._config.tenants.values() for raw in tenant.channels.get(channel, ()))
        read = (self._load(channel).Destination.model_validate(raw) for raw in raws)
        return next((one for one in read if is_it(one)), None)

    def checked(self, name: str, raw: dict[str, Any], at: str) -> Any:
        """A destination of a channel, as its own model.

        Raises:
            NotFound: there is no such channel.
            SettingsError: the destination does not fit the model; no secret is repeated.

        """
        self.kind(name)
        try:
            return self._load(name).Destination.model_validate(raw)
        except ValidationError as error:
            raise SettingsError("the destination is wrong:", problems_of(error, f"channels.{name}.{at}")) from None

    def endpoints(self, name: str, settings: Resolved) -> list[Endpoint]:
        """What stands for the destinations of a channel in plans and traces: without their secrets."""
        found: list[Endpoint] = settings.memo.get("endpoints") or self._read(name, settings)[0]
        return found

    def destinations(self, name: str, settings: Resolved) -> dict[str, Any]:
        """The destinations themselves, by the keys of their endpoints."""
        found: dict[str, Any] = settings.memo.get("destinations") or self._read(name, settings)[1]
        return found

    def _read(self, name: str, settings: Resolved) -> tuple[list[Endpoint], dict[str, Any]]:
        kind = self._load(name)
        endpoints, destinations = dict[str, Endpoint](), dict[str, Any]()
        for item in settings["destinations"].items:
            raw = item.value.opened() if isinstance(item.value, Sealed) else item.value
            destination = kind.Destination.model_validate(raw)
            key = sha256("\n".join((item.tenant, name, kind.identity(destination))).encode()).hexdigest()[:24]
            endpoint = Endpoint(
                channel=name, key=key, label=kind.label(destination), origin=item.origin,
                may_see_secrets=getattr(destination, "may_see_secrets", False),
            )  # fmt: skip
            endpoints.setdefault(key, endpoint)
            destinations[key] = destination
        settings.memo.update(endpoints=list(endpoints.values()), destinations=destinations)
        return list(endpoints.values()), destinations

    def open(self, name: str) -> Channel:
        """The channel itself, made on first use.

        Raises:
            NotFound: there is no such channel.

        """
        if name not in self._open:
            kind = self._load(name)
            settings = self._settings.get(name)
            self._open[name] = kind(kind.Settings() if settings is None else settings, self._outbound)
        return self._open[name]

    @asynccontextmanager
    async def apart(self, name: str) -> AsyncIterator[Channel]:
        """A channel beside those that are open, with connections of its own; it closes with the block.

        Raises:
            NotFound: there is no such channel.

        """
        kind, settings, outbound = self._load(name), self._settings.get(name), Outbound(self._config.outbound)
        channel = kind(kind.Settings() if settings is None else settings, outbound)
        try:
            yield channel
        finally:
            await channel.aclose()
            await outbound.aclose()

    def missing(self, name: str) -> str:
        """What must be installed before a channel can send; empty if nothing."""
        kind = self.kind(name)
        if all(find_spec(module) for module in kind.needs):
            return ""
        return f"pip install 'livery[{kind.extra}]'" if kind.extra else f"install {', '.join(kind.needs)}"

    async def aclose(self) -> None:
        """Close what is open; it opens again when it is needed."""
        opened, self._open = self._open, {}
        for channel in opened.values():
            await channel.aclose()
        await self._outbound.aclose()

    def _load(self, name: str) -> type[Channel]:
        if name not in self._classes:
            self._classes[name] = self.kind(name).load()
        return self._classes[name]

    def _unknown(self) -> list[Problem]:
        known = f"one of {', '.join(sorted(self.types))}"
        named = [(f"channels.{name}", name) for name in self._config.channels]
        named += [
            (f"tenants.{tenant.id}.channels.{name}", name)
            for tenant in self._config.tenants.values()
            for name in tenant.channels
        ]
        return [Problem(where, known, name) for where, name in named if name not in self.types]

    def _bridged(self) -> list[Problem]:
        """Put the carried type in place of a channel whose settings say `via`; gives what cannot be."""
        bridges = {name: kind.carries for name, kind in self.types.items() if kind.carries is not None}
        problems = []
        for name, raw in self._config.channels.items():
            if VIA not in raw or name not in self.types:
                continue
            carry = bridges.get(str(raw[VIA]))
            kind = carry(self.types[name]) if carry is not None and name != raw[VIA] else None
            if kind is None:
                known = f"one of {', '.join(sorted(bridges))}" if bridges else "nothing: no channel carries others"
                said = known if carry is None else f"nothing: {raw[VIA]} does not carry {name}"
                problems.append(Problem(f"channels.{name}.{VIA}", said, str(raw[VIA])[:80]))
            else:
                self.types[name] = kind
        return problems

    def _read_settings(self) -> list[Problem]:
        problems = []
        for name, raw in self._config.channels.items():
            if name not in self.types:
                continue
            try:
                own = {key: value for key, value in raw.items() if key != VIA}
                context = {"folder": self._config.folder}
                self._settings[name] = self._load(name).Settings.model_validate(own, context=context)
            except ValidationError as error:
                problems += problems_of(error, f"channels.{name}")
        return problems

    def _read_destinations(self) -> list[Problem]:
        problems = []
        for tenant in self._config.tenants.values():
            for name, destinations in tenant.channels.items():
                if name not in self.types:
                    continue
                for number, raw in enumerate(destinations):
                    where = f"tenants.{tenant.id}.channels.{name}.{number}"
                    if self.types[name].addressing == "persons" and name not in self._config.channels:
                        problems.append(Problem(where, f"[channels.{name}] too: what everybody else's messages go by"))
                    try:
                        self._load(name).Destination.model_validate(raw)
                    except ValidationError as error:
                        problems += problems_of(error, where)
        return problems
