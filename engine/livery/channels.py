"""The channels of one engine: their types, the operator's settings, the tenants' destinations, the open ones."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from typing import Any

from pydantic import ValidationError

from livery.channel import Channel, ChannelType
from livery.config import Config, problems_of
from livery.errors import ConfigError, NotFound, Problem
from livery.models.audience import Endpoint
from livery.outbound import Outbound


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
        self._endpoints: dict[tuple[str, str], list[Endpoint]] = {}
        self._destinations: dict[str, Any] = {}
        self._settings: dict[str, Any] = {}
        problems = [*self._unknown(), *self._read_settings(), *self._read_destinations()]
        if problems:
            raise ConfigError("the channels are not configured right:", problems)

    def enabled(self) -> list[ChannelType]:
        """Channels something may go out by: those with settings, or with a destination at any tenant.

        One that writes to persons needs settings: a tenant's account carries that tenant's messages only.
        """
        used = {*self._config.channels, *(channel for _, channel in self._endpoints)}
        return [kind for name, kind in sorted(self.types.items()) if name in used]

    def kind(self, name: str) -> ChannelType:
        """A channel's descriptor.

        Raises:
            NotFound: names the channels there are.

        """
        if name not in self.types:
            raise NotFound(f"no channel is called {name!r}; there are: {', '.join(sorted(self.types))}")
        return self.types[name]

    def endpoints(self, tenant: str, channel: str) -> Sequence[Endpoint]:
        """What a tenant itself configured for a channel."""
        return self._endpoints.get((tenant, channel), ())

    def configured(self, channel: str, is_it: Callable[[Any], bool]) -> Any:
        """The first destination of a channel that `is_it`, of whichever tenant; None if there is none."""
        keys = (one.key for (_, name), ends in self._endpoints.items() if name == channel for one in ends)
        return next((self._destinations[key] for key in keys if is_it(self._destinations[key])), None)

    def destination(self, key: str) -> Any:
        """The destination an endpoint stands for; None if it is no longer configured."""
        return self._destinations.get(key)

    def accounts(self, name: str, seller: str) -> list[Any]:
        """What a seller and the tenants above it configured for a channel that writes to persons, its own first."""
        chain = reversed(self._config.chain(seller) or ())
        return [self._destinations[one.key] for tenant in chain for one in self.endpoints(tenant.id, name)]

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

    def _read_settings(self) -> list[Problem]:
        problems = []
        for name, raw in self._config.channels.items():
            if name not in self.types:
                continue
            try:
                self._settings[name] = self._load(name).Settings.model_validate(
                    raw, context={"folder": self._config.folder}
                )
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
                        self._add(tenant.id, f"{tenant.level} {tenant.id}", name, raw)
                    except ValidationError as error:
                        problems += problems_of(error, where)
        return problems

    def _add(self, tenant: str, origin: str, name: str, raw: dict[str, Any]) -> None:
        kind = self._load(name)
        destination = kind.Destination.model_validate(raw)
        key = sha256("\n".join((tenant, name, kind.identity(destination))).encode()).hexdigest()[:24]
        endpoint = Endpoint(
            channel=name, key=key, label=kind.label(destination), origin=origin,
            may_see_secrets=getattr(destination, "may_see_secrets", False),
        )  # fmt: skip
        self._endpoints.setdefault((tenant, name), []).append(endpoint)
        self._destinations[key] = destination
