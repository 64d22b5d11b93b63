"""Plugins: found by entry points, checked loudly, called one by one in the order of their priorities."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from livery import hookspecs
from livery.errors import PluginError, shown
from livery.hookspecs import NAMESPACE
from livery.models.event import Event
from livery.plugin import DEFAULT_PRIORITY

log = logging.getLogger("livery.hooks")
GROUP = "livery"
_Implementation = tuple[str, Callable[..., Any], tuple[str, ...]]
_SILENT: ContextVar[bool] = ContextVar("livery_silent", default=False)


@contextmanager
def silent() -> Iterator[None]:
    """Within, this thread raises no alarm: what is wrong is told to whoever looks, and concerns nobody else yet."""
    token = _SILENT.set(True)
    try:
        yield
    finally:
        _SILENT.reset(token)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plugin as found: `error` says why it was skipped."""

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...] = ()
    error: str = ""


class Hooks:
    """The plugins of one engine and the way to call them."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(NAMESPACE)
        self._manager.add_hookspecs(hookspecs)
        self.plugins: list[Loaded] = []
        self._ordered: dict[str, Sequence[_Implementation]] = {}
        self.alarms: Counter[str] = Counter()
        """How many alarms of each kind there were."""

    def register(self, plugin: Any, name: str, *, distribution: str = "", version: str = "") -> None:
        """Add a plugin: a module, or an object with hook methods.

        Raises:
            PluginError: it has a hook nobody specified, one that is not marked, or one with wrong arguments.

        """
        known = {hook for hook in vars(hookspecs) if hook.startswith(f"{NAMESPACE}_")}
        hooks = [hook for hook in dir(plugin) if hook.startswith(f"{NAMESPACE}_") and callable(getattr(plugin, hook))]
        where = f"plugin {name!r}" + (f" of {distribution} {version}" if distribution else "")
        for hook in hooks:
            if hook not in known:
                raise PluginError(
                    f"{where} has {hook}(), which is no hook of Livery's; there are: {', '.join(sorted(known))}"
                )
            if not hasattr(getattr(plugin, hook), f"{NAMESPACE}_impl"):
                raise PluginError(f"{where}: {hook}() is not marked; put @hookimpl of livery.plugin above it")
        try:
            self._manager.register(plugin, name)
        except (ValueError, pluggy.PluginValidationError) as error:
            raise PluginError(f"{where}: {error}") from error
        self._ordered.clear()
        self.plugins.append(Loaded(name, distribution, version, tuple(hooks)))

    def load(self, *, blocked: Iterable[str] = (), found: Iterable[EntryPoint] | None = None) -> None:
        """Load every installed plugin of the entry-point group `livery`, in the order of their names.

        A plugin that raises while it is imported is skipped and listed with its error.

        Raises:
            PluginError: two distributions claim one name, or a plugin misuses a hook.

        """
        points = sorted(entry_points(group=GROUP) if found is None else found, key=lambda point: point.name)
        blocked = frozenset(blocked)
        by_name: dict[str, EntryPoint] = {}
        for point in points:
            if (first := by_name.setdefault(point.name, point)) is not point:
                raise PluginError(
                    f"two plugins claim the name {point.name!r}: {_distribution(first)} and {_distribution(point)}; "
                    "uninstall one"
                )
        for point in by_name.values():
            distribution, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
            if point.name in blocked:
                self.plugins.append(Loaded(point.name, distribution, version, error="blocked by configuration"))
                continue
            try:
                module = point.load()
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a stranger's import does
                log.warning("plugin %s was skipped: %s: %s", point.name, type(error).__name__, error)
                reason = f"{type(error).__name__}: {error}"
                self.plugins.append(Loaded(point.name, distribution, version, error=reason))
                continue
            self.register(module, point.name, distribution=distribution, version=version)

    def implementations(self, hook: str) -> Sequence[_Implementation]:
        """(plugin, function, its arguments) of one hook, in the order in which they are called."""
        found = self._ordered.get(hook)
        if found is None:
            ordered = sorted(
                getattr(self._manager.hook, hook).get_hookimpls(),
                key=lambda one: (getattr(one.function, "livery_priority", DEFAULT_PRIORITY), one.plugin_name),
            )
            found = self._ordered[hook] = [(one.plugin_name, one.function, one.argnames) for one in ordered]
        return found

    def collect(self, hook: str) -> list[tuple[str, Any]]:
        """(plugin, item) of a registering hook. An exception stops the start: half a channel is worse than none."""
        items: list[tuple[str, Any]] = []
        for plugin, function, _ in self.implementations(hook):
            try:
                items.extend((plugin, item) for item in function())
            except Exception as error:
                raise PluginError(f"plugin {plugin!r} failed in {hook}(): {type(error).__name__}: {error}") from error
        return items

    def pipe(self, hook: str, name: str, **arguments: Any) -> Any:
        """Hand `arguments[name]` through every implementation; None or an exception leaves it as it is."""
        for plugin, function, wanted in self.implementations(hook):
            answer = self._call(hook, plugin, function, {key: arguments[key] for key in wanted})
            if answer is not None and not isinstance(answer, type(arguments[name])):
                self.alarm("hook_failed", f"plugin {plugin} returned {type(answer).__name__} from {hook}()")
            elif answer is not None:
                arguments[name] = answer
        return arguments[name]

    def first(self, hook: str, **arguments: Any) -> tuple[str, Any] | None:
        """The plugin and the answer of the first implementation that has one; an exception is none."""
        for plugin, function, wanted in self.implementations(hook):
            answer = self._call(hook, plugin, function, {key: arguments[key] for key in wanted})
            if answer is not None:
                return plugin, answer
        return None

    def observe(self, hook: str, **arguments: Any) -> None:
        """Tell every implementation; results are ignored."""
        for _ in self._answers(hook, arguments):
            pass

    def alarm(self, kind: str, message: str, event: Event | None = None) -> None:
        """Tell the operator: through the log, and through `livery_on_alarm`."""
        if _SILENT.get():
            return
        self.alarms[kind] += 1
        log.warning("%s: %s", kind, message, extra={"livery_alarm": kind})
        arguments = {"kind": kind, "message": message, "event": event}
        for plugin, function, wanted in self.implementations("livery_on_alarm"):
            try:
                function(**{key: arguments[key] for key in wanted})
            except Exception:
                log.exception("plugin %s raised in livery_on_alarm", plugin)

    def _answers(self, hook: str, arguments: dict[str, Any]) -> Iterator[Any]:
        for plugin, function, wanted in self.implementations(hook):
            yield self._call(hook, plugin, function, {key: arguments[key] for key in wanted})

    def _call(self, hook: str, plugin: str, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        try:
            return function(**arguments)
        except Exception as error:
            log.debug("plugin %s raised in %s", plugin, hook, exc_info=True)
            self.alarm("hook_failed", f"plugin {plugin} raised {type(error).__name__} in {hook}(): {error}")
            return None


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed distribution"


def unique(items: Iterable[tuple[str, Any]], what: str, name: Callable[[Any], str]) -> dict[str, Any]:
    """`items` by name.

    Raises:
        PluginError: two plugins claim one name, both are named; or an item is something else.

    """
    found: dict[str, tuple[str, Any]] = {}
    for plugin, item in items:
        try:
            key = name(item)
        except AttributeError:
            raise PluginError(f"plugin {plugin!r} registered {shown(item)}, which is no {what}") from None
        if key in found:
            raise PluginError(f"two plugins claim the {what} {key!r}: {found[key][0]} and {plugin}; uninstall one")
        found[key] = (plugin, item)
    return {key: item for key, (_, item) in found.items()}
