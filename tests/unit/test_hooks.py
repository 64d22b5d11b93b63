"""Hooks: a plugin that fails at import is set aside, one that misuses a hook is a loud error that names it."""

from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from livery.channel import ChannelType
from livery.errors import PluginError
from livery.hooks import Hooks, unique
from livery.models.message import Format
from livery.packs.chain import Library
from livery.plugin import hookimpl
from unit.making import KIND, base_pack, plugin


@dataclass
class Point:
    """An entry point as `importlib.metadata` hands it out."""

    name: str
    module: Any = field(default_factory=lambda: plugin("empty"))
    dist: Any = None

    def load(self) -> Any:
        if isinstance(self.module, BaseException):
            raise self.module
        return self.module


def dist(name: str, version: str = "1.0") -> SimpleNamespace:
    return SimpleNamespace(name=name, version=version)


def loaded(*points: Any, **options: Any) -> Hooks:
    hooks = Hooks()
    hooks.load(found=points, **options)
    return hooks


def on_alarm(kind, message, event):
    """A hook that does nothing."""


GOOD = plugin("good", livery_on_alarm=on_alarm)


def test_plugins_are_listed_by_name_with_their_distribution_and_hooks():
    found = loaded(Point("b", GOOD, dist("livery-b", "2.1")), Point("a")).plugins
    assert [(one.name, one.distribution, one.version, one.hooks, one.error) for one in found] == [
        ("a", "", "", (), ""),
        ("b", "livery-b", "2.1", ("livery_on_alarm",), ""),
    ]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (ImportError("No module named 'heavy'"), "ImportError: No module named 'heavy'"),
        (RuntimeError("no licence"), "RuntimeError: no licence"),
        (SystemExit(3), "SystemExit: 3"),
        (RecursionError("deep"), "RecursionError: deep"),
        (SyntaxError("invalid syntax"), "SyntaxError: invalid syntax"),
        (AttributeError("no such attribute"), "AttributeError: no such attribute"),
    ],
)
def test_a_plugin_that_raises_at_import_is_skipped_and_listed_and_the_others_go_on(raised, said):
    hooks = loaded(Point("broken", raised, dist("livery-broken")), Point("good", GOOD))
    assert {one.name: one.error for one in hooks.plugins} == {"broken": said, "good": ""}
    assert [name for name, _, _ in hooks.implementations("livery_on_alarm")] == ["good"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise ValueError('at import')", "ValueError: at import"),
        ("import sys; sys.exit(1)", "SystemExit: 1"),
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("def oops(:", "SyntaxError"),
    ],
)
def test_a_module_that_cannot_be_imported_is_skipped(tmp_path, monkeypatch, source, error):
    name = f"livery_broken_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = loaded(EntryPoint(name="broken", value=name, group="livery")).plugins
    assert found.error.startswith(error)


def test_a_person_at_the_keyboard_still_stops_the_start():
    with pytest.raises(KeyboardInterrupt):
        loaded(Point("slow", KeyboardInterrupt()))


def test_a_blocked_plugin_is_listed_and_not_even_imported():
    hooks = loaded(Point("bad", RuntimeError("was imported")), Point("good", GOOD), blocked=["bad"])
    assert {one.name: one.error for one in hooks.plugins} == {"bad": "blocked by configuration", "good": ""}


def no_channels():
    return []


def wrong_arguments(kind, colour):
    """A hook with an argument nobody specified."""


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (plugin("p", livery_on_alarms=on_alarm), ["livery_on_alarms()", "no hook of Livery's", "livery_on_alarm,"]),
        (plugin("p", livery_register_chanels=no_channels), ["livery_register_chanels()", "livery_register_channels"]),
        (plugin("p", livery_on_alarm=wrong_arguments), ["livery_on_alarm", "colour"]),
    ],
)
def test_a_misspelt_hook_or_argument_stops_the_start_and_names_plugin_and_distribution(module, says):
    with pytest.raises(PluginError) as caught:
        loaded(Point("good", GOOD), Point("theirs", module, dist("livery-theirs", "0.9")))
    for part in ("plugin 'theirs' of livery-theirs 0.9", *says):
        assert part in str(caught.value)


def test_a_hook_that_is_not_marked_stops_the_start():
    class Theirs:
        def livery_on_alarm(self, kind, message, event):
            pass

    with pytest.raises(PluginError, match=r"'theirs': livery_on_alarm\(\) is not marked; put @hookimpl"):
        loaded(Point("theirs", Theirs()))


def test_two_distributions_that_claim_one_name_are_both_named():
    points = [Point("same", GOOD, dist("livery-one", "1.0")), Point("same", plugin("x"), dist("livery-two", "2.0"))]
    with pytest.raises(PluginError) as caught:
        loaded(*points)
    assert "the name 'same': livery-one 1.0 and livery-two 2.0" in str(caught.value)


@pytest.mark.parametrize("name", ["good", "other"])
def test_a_plugin_registered_twice_or_under_a_name_that_is_taken_is_refused(name):
    hooks = loaded(Point("good", GOOD))
    with pytest.raises(PluginError):
        hooks.register(GOOD if name == "other" else plugin("another"), name, distribution="this host")


def channel(name: str) -> ChannelType:
    return ChannelType(name=name, summary="", format=Format.TEXT, load=lambda: None)


@pytest.mark.parametrize(
    ("hook", "what", "first", "second"),
    [
        ("livery_register_channels", "channel", channel("fax"), channel("fax")),
        ("livery_register_event_types", "event type", KIND, KIND),
    ],
)
def test_two_plugins_with_a_channel_or_event_type_of_one_name_are_both_named(hook, what, first, second):
    hooks = Hooks()
    hooks.register(plugin("one", **{hook: lambda: [first]}), "one")
    hooks.register(plugin("two", **{hook: lambda: [second]}), "two")
    with pytest.raises(PluginError, match=f"two plugins claim the {what} '{first.name}': one and two"):
        unique(hooks.collect(hook), what, lambda item: item.name)


@pytest.mark.parametrize("item", ["fax", None, 5, channel])
def test_a_plugin_that_registers_something_else_is_named(item):
    with pytest.raises(PluginError, match=r"plugin 'theirs' registered .*, which is no channel"):
        unique([("theirs", item)], "channel", lambda kind: kind.name)


def test_two_packs_with_one_id_are_both_named(tmp_path):
    folders = [base_pack(tmp_path / "one"), base_pack(tmp_path / "two")]
    with pytest.raises(PluginError) as caught:
        Library(folders)
    for part in ("'base'", *map(str, folders)):
        assert part in str(caught.value)


@pytest.mark.parametrize("returned", [None, 5, ValueError("half a channel")])
def test_a_plugin_that_fails_to_register_stops_the_start(returned):
    def livery_register_channels():
        if isinstance(returned, Exception):
            raise returned
        return returned

    hooks = Hooks()
    hooks.register(plugin("theirs", livery_register_channels=livery_register_channels), "theirs")
    with pytest.raises(PluginError, match=r"plugin 'theirs' failed in livery_register_channels\(\)"):
        hooks.collect("livery_register_channels")


def test_what_plugins_register_is_joined():
    hooks = Hooks()
    for name in "ba":
        hooks.register(plugin(name, livery_register_packs=lambda name=name: [f"{name}1", f"{name}2"]), name)
    assert [item for _, item in hooks.collect("livery_register_packs")] == ["a1", "a2", "b1", "b2"]


def test_a_hook_may_be_marked_with_and_without_a_priority():
    @hookimpl
    def livery_register_packs():
        return ["plain"]

    @hookimpl(priority=1)
    def early():
        return ["early"]

    hooks = Hooks()
    hooks.register(plugin("a", livery_register_packs=livery_register_packs), "a")
    hooks.register(plugin("z", livery_register_packs=early), "z")
    assert [item for _, item in hooks.collect("livery_register_packs")] == ["early", "plain"]
