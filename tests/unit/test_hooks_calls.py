"""Hooks: called by priority, then by name; one that raises disturbs nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.hooks import Hooks
from livery.models.notification import Notification
from livery.plugin import hookimpl
from unit.making import event, plugin

SAID = Notification(event_type="X", locale="en", direction="ltr", subject="s", title="t", blocks=(), brand={}, pack="p")


def hooks_with(hook: str, *functions, alarms: list | None = None) -> Hooks:
    """Hooks where plugins `p0`, `p1`, … implement `hook`; `alarms` collects what the operator is told."""
    made = Hooks()
    for number, function in enumerate(functions):
        made.register(plugin(f"p{number}", **{hook: function}), f"p{number}")
    if alarms is not None:

        def livery_on_alarm(kind, message, event):
            alarms.append((kind, message))

        made.register(plugin("watch", livery_on_alarm=livery_on_alarm), "watch")
    return made


plugins = st.dictionaries(
    st.text("abcxyz_", min_size=1, max_size=4), st.integers(-3, 3) | st.none(), min_size=1, max_size=6
)


@given(priorities=plugins, random=st.randoms(use_true_random=False))
def test_implementations_are_called_by_priority_then_name_in_whatever_order_they_were_registered(priorities, random):
    names = list(priorities)
    random.shuffle(names)
    called: list[str] = []
    hooks = Hooks()
    for name in names:

        def livery_on_alarm(kind, name=name):
            called.append(name)

        priority = priorities[name]
        marked = hookimpl(livery_on_alarm) if priority is None else hookimpl(priority=priority)(livery_on_alarm)
        hooks.register(plugin(name, livery_on_alarm=marked), name)
    hooks.alarm("dead", "message")
    assert called == sorted(names, key=lambda name: (50 if priorities[name] is None else priorities[name], name))


def boom(*_, **__):
    raise RuntimeError("boom")


def titled(text: str):
    def livery_amend_notification(notification):
        return notification.model_copy(update={"title": notification.title + text})

    return livery_amend_notification


def quiet(notification):
    """Leaves it as it is."""


def amend_boom(notification):
    boom()


def nonsense(notification):
    return "a string"


@pytest.mark.parametrize(
    ("functions", "title", "failed"),
    [
        ([], "t", 0),
        ([titled("1"), titled("2")], "t12", 0),
        ([titled("1"), quiet, titled("2")], "t12", 0),
        ([titled("1"), amend_boom, titled("2")], "t12", 1),
        ([amend_boom], "t", 1),
        ([nonsense, titled("2")], "t2", 1),
    ],
)
def test_each_implementation_gets_what_the_one_before_returned(functions, title, failed):
    alarms: list = []
    hooks = hooks_with("livery_amend_notification", *functions, alarms=alarms)
    made = hooks.pipe("livery_amend_notification", "notification", notification=SAID, event=event())
    assert (made.title, len(alarms)) == (title, failed)
    assert made == SAID.model_copy(update={"title": title})


def test_what_failed_names_the_plugin_the_hook_and_the_exception():
    alarms: list = []
    hooks = hooks_with("livery_amend_notification", amend_boom, nonsense, alarms=alarms)
    hooks.pipe("livery_amend_notification", "notification", notification=SAID, event=event())
    assert alarms == [
        ("hook_failed", "plugin p0 raised RuntimeError in livery_amend_notification(): boom"),
        ("hook_failed", "plugin p1 returned str from livery_amend_notification()"),
    ]


def test_every_observer_is_told_although_one_raises():
    told, alarms = [], []

    def first(delivery, attempt):
        told.append((delivery, attempt))

    def second(attempt):
        told.append(attempt)

    hooks = hooks_with("livery_on_outcome", first, boom_observer, second, alarms=alarms)
    hooks.observe("livery_on_outcome", delivery="d", attempt="a")
    assert told == [("d", "a"), "a"]
    assert len(alarms) == 1


def boom_observer(delivery):
    boom()


def test_a_hook_may_take_fewer_arguments_than_there_are():
    seen = []

    def one(message):
        seen.append(message)

    def none():
        seen.append(None)

    hooks = hooks_with("livery_on_alarm", one, none)
    hooks.alarm("dead", "message", event())
    assert seen == ["message", None]


def test_a_method_of_an_object_is_a_hook_too():
    class Theirs:
        def __init__(self) -> None:
            self.seen: list[str] = []

        @hookimpl
        def livery_on_alarm(self, message):
            self.seen.append(message)

    theirs, hooks = Theirs(), Hooks()
    hooks.register(theirs, "theirs")
    hooks.alarm("dead", "message")
    assert theirs.seen == ["message"]


def test_an_alarm_that_raises_is_harmless_and_the_others_are_told():
    seen = []

    def livery_on_alarm(kind, message):
        seen.append((kind, message))

    hooks = hooks_with("livery_on_alarm", alarm_boom, livery_on_alarm, alarm_boom)
    hooks.alarm("dead", "message")
    hooks.observe("livery_on_outcome", delivery=None, attempt=None)
    assert seen == [("dead", "message")]


def alarm_boom(message):
    boom()
