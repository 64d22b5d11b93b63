"""Planning: from whom mail comes, and which deliveries an event makes."""

import pytest

from livery.channel import Channel, ChannelType
from livery.channels import Channels
from livery.config import Config
from livery.directory.answering import Answers
from livery.directory.host import HostDirectory
from livery.errors import UnknownSeller
from livery.hooks import Hooks
from livery.models.audience import Recipient
from livery.models.base import Model
from livery.models.message import Format
from livery.planning import Planner
from livery.settings.live import Live
from livery.tenants import Tree
from unit.making import NOW, TYPES, chain, event, plugin


class Where(Model):
    url: str


class Silent(Channel):
    Destination = Where

    @classmethod
    def label(cls, destination):
        return destination.url

    def encode(self, message, envelope):
        raise NotImplementedError

    async def send(self, dispatch):
        raise NotImplementedError


def kind(name: str, **fields) -> ChannelType:
    return ChannelType(name=name, summary="", format=Format.TEXT, load=lambda: Silent, **fields)


KINDS = {
    "chat": kind("chat"),
    "mail": kind("mail", addressing="persons"),
    "webhook": kind("webhook", cumulative=True),
}
TENANTS = {
    "platform": {},
    "distri": {"parent": "platform"},
    "shop": {"parent": "distri", "contacts": {"primary": {"email": "desk@shop.example"}}},
}


def planner(hooks: Hooks | None = None, **settings) -> Planner:
    config = Config.load(None, **{"tenants": TENANTS, **settings})
    channels, tree = Channels(KINDS, config), Tree(config, lambda: None)
    answers = Answers(lambda: None, HostDirectory(hooks or Hooks(), config.directory).ask)
    return Planner(config, answers, TYPES, channels, tree, settings=Live(lambda: None))


def tenants(**fields) -> dict:
    """The tenants, with fields laid over those of one or more of them."""
    return {id_: {**one, **fields.get(id_, {})} for id_, one in TENANTS.items()}


# ------------------------------------------------------------------ the sender

PLATFORM = {"sender": {"address": "hello@platform.example"}, "verified_domains": ["shop.example", "distri.example"]}


@pytest.mark.parametrize(
    ("levels", "name", "address", "reply_to"),
    [
        pytest.param({}, "Shop", "hello@platform.example", "", id="nothing configured"),
        pytest.param({"seller": {"name": "Shop!"}}, "Shop!", "hello@platform.example", "", id="sender name"),
        pytest.param(
            {"seller": {"address": "us@shop.example"}}, "Shop", "us@shop.example", "", id="own address, verified"
        ),
        pytest.param(
            {"seller": {"address": "us@SHOP.example"}}, "Shop", "us@SHOP.example", "", id="own address in capitals"
        ),
        pytest.param(
            {"seller": {"address": "us@other.example"}},
            "Shop",
            "hello@platform.example",
            "us@other.example",
            id="own address, not verified",
        ),
        pytest.param(
            {"seller": {"address": "us@sub.shop.example"}},
            "Shop",
            "hello@platform.example",
            "us@sub.shop.example",
            id="a subdomain is another domain",
        ),
        pytest.param(
            {"seller": {"address": "us@notshop.example"}},
            "Shop",
            "hello@platform.example",
            "us@notshop.example",
            id="a longer name is another domain",
        ),
        pytest.param(
            {"seller": {"address": "us@other.example", "reply_to": "desk@shop.example"}},
            "Shop",
            "hello@platform.example",
            "desk@shop.example",
            id="reply-to of its own",
        ),
        pytest.param(
            {"seller": {"address": "us@shop.example", "reply_to": "desk@shop.example"}},
            "Shop",
            "us@shop.example",
            "desk@shop.example",
            id="verified, with reply-to",
        ),
        pytest.param(
            {"distributor": {"address": "us@distri.example", "name": "Distri"}},
            "Shop",
            "us@distri.example",
            "",
            id="the distributor's address, in the seller's name",
        ),
        pytest.param(
            {"seller": {"reply_to": "desk@shop.example"}, "distributor": {"reply_to": "desk@distri.example"}},
            "Shop",
            "hello@platform.example",
            "desk@shop.example",
            id="the nearest reply-to",
        ),
        pytest.param(
            {"seller": {"name": "Shop!"}, "distributor": {"address": "us@distri.example", "name": "Distri"}},
            "Shop!",
            "us@distri.example",
            "",
            id="name and address of two levels",
        ),
        pytest.param(
            {"seller": {"address": "us@other.example"}, "distributor": {"address": "us@distri.example"}},
            "Shop",
            "hello@platform.example",
            "us@other.example",
            id="the nearest address counts, verified or not",
        ),
    ],
)
def test_mail_comes_from_the_nearest_verified_address_else_from_the_platforms_in_the_sellers_name(
    levels, name, address, reply_to
):
    given = {level: {"sender": fields} for level, fields in levels.items()}
    sender = planner(**PLATFORM).sender(chain(given.get("seller"), distributor=given.get("distributor", {})), event())
    assert (sender.name, sender.address, sender.reply_to) == (name, address, reply_to)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "the platform's address"),
        ({"address": "us@shop.example"}, "from seller shop"),
        (
            {"address": "us@other.example"},
            "the platform's address: the domain of us@other.example (seller shop) is not verified",
        ),
    ],
)
def test_a_sender_says_why_it_is_this_one(fields, why):
    assert planner(**PLATFORM).sender(chain({"sender": fields}), event()).why == why


def test_a_verified_domain_counts_however_it_is_written():
    sender = planner(verified_domains=["Shop.Example"]).sender(
        chain({"sender": {"address": "us@shop.example"}}), event()
    )
    assert sender.address == "us@shop.example"


def test_without_an_address_of_the_platforms_one_in_the_message_id_domain_is_used():
    assert (
        planner(sender={}, message_id_domain="mail.example").sender(chain(), event()).address
        == "notifications@mail.example"
    )


def test_the_name_of_a_sender_is_one_clean_line():
    sender = planner().sender(chain({"sender": {"name": "Shop\r\nBcc: eve@evil.example\u202e" + "x" * 300}}), event())
    assert sender.name.startswith("Shop Bcc: eve@evil.examplexxx")
    assert len(sender.name) <= 120


# ------------------------------------------------------------------ the deliveries


def planned(made: Planner, **changes) -> list[tuple[str, str]]:
    return [(plan.delivery.channel, plan.delivery.destination) for plan in made.plan(event(changes or None), NOW).plans]


def hook(url: str) -> dict:
    return {"webhook": [{"url": url}], "chat": [{"url": url}]}


def test_persons_share_one_delivery_and_each_endpoint_has_its_own():
    everywhere = tenants(
        platform={"channels": hook("platform")}, distri={"channels": hook("distri")}, shop={"channels": hook("shop")}
    )
    assert planned(planner(tenants=everywhere, channels={"mail": {}})) == [
        ("chat", "shop"),
        ("mail", "ada@custo.example, desk@shop.example"),
        ("webhook", "platform"),
        ("webhook", "distri"),
        ("webhook", "shop"),
    ]


def test_a_channel_nobody_configured_gets_nothing():
    assert planned(planner(channels={"mail": {}})) == [("mail", "ada@custo.example, desk@shop.example")]


def test_endpoints_are_told_although_no_person_is_reached_and_that_is_said():
    made = planner(tenants=tenants(shop={"contacts": {}, "channels": hook("shop")}), channels={"mail": {}})
    plans = made.plan(event({"data.user": None}), NOW)
    assert [plan.delivery.channel for plan in plans.plans] == ["chat", "webhook"]
    assert plans.unreachable


def test_an_event_type_that_is_switched_off_makes_no_delivery_and_no_alarm():
    off = tenants(shop={"settings": {"*": {"enabled": False}}, "channels": hook("shop")})
    plans = planner(tenants=off, channels={"mail": {}}).plan(event(), NOW)
    assert (plans.plans, plans.unreachable, plans.enabled_why) == ((), False, "seller shop (livery.toml)")


def test_an_envelope_holds_every_place_and_the_sender_of_mail():
    settings = {"OfferProvisionError": {"bcc": ["address:log@shop.example"]}}
    made = planner(tenants=tenants(shop={"settings": settings}), channels={"mail": {}}, **PLATFORM)
    (plan,) = made.plan(event(), NOW).plans
    envelope = plan.envelope
    assert [one.address for one in (*envelope.to, *envelope.cc, *envelope.bcc)] == [
        "ada@custo.example",
        "desk@shop.example",
        "log@shop.example",
    ]
    assert (envelope.sender_name, envelope.sender_address) == ("The Shop", "hello@platform.example")
    assert envelope.message_id == f"<{plan.delivery.id}@livery.localhost>"


def test_a_fallback_is_a_warning_on_the_delivery_to_persons_alone():
    made = planner(tenants=tenants(shop={"channels": hook("shop")}), channels={"mail": {}})
    plans = made.plan(event({"data.user": None}), NOW).plans
    assert {plan.delivery.channel: bool(plan.delivery.warnings) for plan in plans} == {
        "chat": False,
        "mail": True,
        "webhook": False,
    }


def test_planning_twice_gives_deliveries_of_other_ids_that_are_known_for_the_same():
    made = planner(tenants=tenants(shop={"channels": hook("shop")}), channels={"mail": {}})
    first, second = (made.plan(event(), NOW).plans for _ in range(2))
    assert [plan.unique for plan in first] == [plan.unique for plan in second]
    assert len({plan.delivery.id for plan in (*first, *second)}) == 2 * len(first)


def test_the_language_of_the_first_reader_in_to_who_has_one_is_kept():
    (plan,) = planner(channels={"mail": {}}).plan(event(), NOW).plans
    assert plan.delivery.trace["reader_locale"] == "en-GB"


def test_an_unknown_seller_is_refused_and_no_other_is_named():
    with pytest.raises(UnknownSeller, match=r"data\.seller\.id: expected a tenant; .*, got 'nobody'") as caught:
        planner().plan(event({"data.seller.id": "nobody"}), NOW)
    assert not any(other in str(caught.value) for other in ("distri", "shop"))


# ------------------------------------------------------------------ the host's directory


@pytest.mark.parametrize(
    ("answers", "to"),
    [
        ([None, None], ["ada@custo.example"]),
        ([None, ["b@x.example"]], ["b@x.example"]),
        ([["a@x.example"], ["b@x.example"]], ["a@x.example"]),
        ([[], ["b@x.example"]], ["desk@shop.example"]),
    ],
)
def test_the_first_answer_wins_and_nothing_is_nobody(answers, to):
    def directory(answer):
        def livery_directory(selectors):
            known = {"event_user": [Recipient(address=one) for one in answer]} if answer is not None else {}
            return {one: known[one] for one in selectors if one in known}

        return livery_directory

    hooks = Hooks()
    for number, answer in enumerate(answers):
        hooks.register(plugin(f"p{number}", livery_directory=directory(answer)), f"p{number}")
    (plan,) = planner(hooks, channels={"mail": {}}).plan(event(), NOW).plans
    assert [one.address for one in plan.envelope.to] == to
