"""Configuration: the chain of tenants, and the channels it names."""

import pytest
from pydantic import Field, SecretStr

from livery.channel import Channel, ChannelType
from livery.channels import Channels
from livery.config import Config
from livery.errors import ConfigError, NotFound
from livery.models.base import Model
from livery.models.message import Format
from livery.models.tenant import Level
from livery.settings.configured import layer
from livery.settings.resolving import Asked, Resolved, resolve
from unit.making import NOW


def config(**settings) -> Config:
    return Config.load(None, **settings)


def refused(**settings) -> str:
    with pytest.raises(ConfigError) as caught:
        config(**settings)
    return str(caught.value)


TREE = {
    "platform": {},
    "distri": {"parent": "platform"},
    "shop": {"parent": "distri"},
    "own-shop": {"parent": "platform"},
}


@pytest.mark.parametrize(
    ("tenant", "level"),
    [
        ("platform", Level.DEFAULT),
        ("distri", Level.DISTRIBUTOR),
        ("shop", Level.SELLER),
        ("own-shop", Level.SELLER),
    ],
)
def test_the_level_of_a_tenant_follows_from_the_parents(tenant, level):
    assert config(tenants=TREE).tenants[tenant].level == level


def test_a_tenant_has_no_name_of_its_own_unless_it_is_given_one():
    tenants = config(tenants={"platform": {}, "shop": {"parent": "platform", "name": "The Shop"}}).tenants
    assert (tenants["platform"].name, tenants["shop"].name) == (None, "The Shop")


@pytest.mark.parametrize(
    ("seller", "chain"),
    [
        ("shop", ["platform", "distri", "shop"]),
        ("own-shop", ["platform", "own-shop"]),
        ("platform", ["platform"]),
        ("unknown", None),
    ],
)
def test_the_chain_of_a_seller_runs_from_the_platform_down(seller, chain):
    found = config(tenants=TREE).chain(seller)
    assert (None if found is None else [one.id for one in found]) == chain


def test_one_destination_is_a_list_of_one():
    tenants = {"a": {"channels": {"slack": {"url": "x"}, "webhook": [{"url": "y"}, {"url": "z"}]}}}
    channels = config(tenants=tenants).tenants["a"].channels
    assert channels == {"slack": ({"url": "x"},), "webhook": ({"url": "y"}, {"url": "z"})}


@pytest.mark.parametrize(
    ("tenants", "says"),
    [
        ({"a": {}, "b": {}}, ["without a parent: a, b"]),
        ({"a": {"parent": "nobody"}}, ["'a' names the parent 'nobody'"]),
        ({"a": {"parent": "a"}}, ["a → a"]),
        ({"a": {"parent": "b"}, "b": {"parent": "a"}}, ["a → b → a"]),
        ({"c": {"parent": "b"}, "b": {"parent": "a"}, "a": {"parent": "c"}}, ["a → c → b → a"]),
        ({"p": {}, "x": {"parent": "b"}, "b": {"parent": "a"}, "a": {"parent": "b"}}, ["a → b → a"]),
        (
            {
                "p": {},
                "q": {},
                "lost": {"parent": "nobody"},
                "lost2": {"parent": "lost"},
                "gone": {"parent": "nowhere"},
                "a": {"parent": "b"},
                "b": {"parent": "a"},
            },
            ["p, q", "'lost' names the parent 'nobody'", "'gone' names the parent 'nowhere'", "a → b → a"],
        ),
    ],
)
def test_tenants_that_form_no_tree_are_refused_with_everything_that_is_wrong(tenants, says):
    said = refused(tenants=tenants)
    assert [one for one in says if one not in said] == []
    assert said.count("each other's parents") <= 1


# ------------------------------------------------------------------ channels


class Where(Model):
    url: SecretStr
    size: int = Field(default=1, ge=0)


class Pigeon(Channel):
    Settings = Where
    Destination = Where

    @classmethod
    def label(cls, destination):
        return "a loft"

    def encode(self, message, envelope):
        raise NotImplementedError

    async def send(self, dispatch):
        raise NotImplementedError


def kind(name: str = "pigeon", **fields) -> ChannelType:
    return ChannelType(name=name, summary="", format=Format.TEXT, load=lambda: Pigeon, **fields)


KINDS = {"pigeon": kind(), "raven": kind("raven")}


def channels(**settings) -> Channels:
    return Channels(KINDS, config(**settings))


def test_unknown_channels_and_destinations_that_do_not_fit_are_listed_at_once():
    with pytest.raises(ConfigError) as caught:
        channels(
            channels={"telex": {}},
            tenants={
                "p": {"channels": {"fax": {"number": "1"}, "pigeon": [{"url": "x"}, {"size": 1}]}},
                "s": {"parent": "p", "channels": {"raven": {"url": "x", "size": -1}}},
            },
        )
    problems = {problem.path: problem.expected for problem in caught.value.problems}
    assert problems == {
        "channels.telex": "one of pigeon, raven",
        "tenants.p.channels.fax": "one of pigeon, raven",
        "tenants.p.channels.pigeon.1.url": "a value, none is given",
        "tenants.s.channels.raven.0.size": "greater than or equal to 0",
    }


@pytest.mark.parametrize(
    "destination", [{"url": "geheim", "size": "x"}, {"uri": "geheim"}, {"url": ["geheim"]}, {"url": {"is": "geheim"}}]
)
def test_no_secret_is_in_the_error_of_a_wrong_destination(destination):
    with pytest.raises(ConfigError) as caught:
        channels(tenants={"p": {"channels": {"pigeon": destination}}})
    assert "tenants.p.channels.pigeon.0.ur" in str(caught.value) or "size" in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("settings", [{}, {"uri": "geheim"}, {"url": "geheim", "size": -1}, {"url": ["geheim"]}])
def test_operator_settings_that_do_not_fit_are_refused_when_the_channel_is_opened_without_their_secrets(settings):
    with pytest.raises(ConfigError, match=r"channels\.pigeon") as caught:
        channels(channels={"pigeon": settings}).open("pigeon")
    assert "geheim" not in str(caught.value)


def test_a_channel_is_opened_once_with_the_operators_settings():
    made = channels(channels={"pigeon": {"url": "x", "size": 3}})
    assert made.open("pigeon") is made.open("pigeon")
    assert made.open("pigeon").settings.size == 3


@pytest.mark.parametrize("ask", ["kind", "open", "missing"])
def test_an_unknown_channel_lists_those_there_are(ask):
    with pytest.raises(NotFound, match="'fax'; there are: pigeon, raven"):
        getattr(channels(), ask)("fax")


def test_a_channel_is_enabled_by_settings_or_by_a_destination_at_any_tenant():
    def enabled(**settings) -> list[str]:
        return [one.name for one in channels(**settings).enabled()]

    assert enabled() == []
    assert enabled(channels={"pigeon": {"url": "x"}}) == ["pigeon"]
    assert enabled(tenants={"p": {}, "s": {"parent": "p", "channels": {"raven": {"url": "x"}}}}) == ["raven"]


def configured_at(made: Channels, tenant: str, channel: str) -> Resolved:
    """What one tenant says of a channel."""
    return resolve([layer(made._config.tenants[tenant])], Asked("*", channel), NOW)


def test_an_endpoint_leads_to_its_destination_and_tells_no_secret():
    made = channels(tenants={"p": {"channels": {"pigeon": {"url": "geheim"}}}})
    found = configured_at(made, "p", "pigeon")
    (endpoint,) = made.endpoints("pigeon", found)
    assert made.destinations("pigeon", found)[endpoint.key].url.get_secret_value() == "geheim"
    assert (endpoint.label, endpoint.origin) == ("a loft", "default p (livery.toml)")
    assert "geheim" not in repr(endpoint) + repr(found)
    assert made.endpoints("raven", configured_at(made, "p", "raven")) == []


def test_the_key_of_an_endpoint_is_of_its_tenant_channel_and_destination():
    def key(tenant: str, channel: str, url: str) -> str:
        made = channels(tenants={tenant: {"channels": {channel: {"url": url}}}})
        return made.endpoints(channel, configured_at(made, tenant, channel))[0].key

    assert key("p", "pigeon", "x") == key("p", "pigeon", "x")
    others = {key("q", "pigeon", "x"), key("p", "raven", "x"), key("p", "pigeon", "y")}
    assert len(others | {key("p", "pigeon", "x")}) == 4


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, ""),
        ({"needs": ("json", "email")}, ""),
        ({"needs": ("no_such_library",)}, "install no_such_library"),
        ({"needs": ("json", "no_such_library"), "extra": "pigeon"}, "pip install 'livery[pigeon]'"),
    ],
)
def test_a_channel_says_what_must_be_installed_before_it_can_send(fields, says):
    assert Channels({"pigeon": kind(**fields)}, config()).missing("pigeon") == says
