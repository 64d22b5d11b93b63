"""Tenants' own mail servers: which mail goes out there, through the guard, and what happens while one is away."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from channels.making import ENVELOPE, bare_server, envelope, outbound, sent, smtp
from livery import Config, Engine
from livery.errors import ConfigError
from livery.testing import MailServer
from livery_smtp.channel import SmtpChannel
from livery_smtp.settings import Account

EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SELLER = EVENT["data"]["seller"]["id"]
pytestmark = pytest.mark.usefixtures("client")


def account(port, **changes):
    settings = {"host": "127.0.0.1", "port": port, "tls": "none", "from_domain": "shop.example", **changes}
    return Account.model_validate(settings)


async def test_mail_of_the_domain_goes_by_the_account_and_other_mail_by_the_platforms_server():
    with MailServer() as own, MailServer() as platform:
        accounts = [account(own.port)]
        inside = await sent(smtp(platform.port), accounts=accounts)
        outside = await sent(smtp(platform.port), envelope(sender_address="a@platform.example"), accounts=accounts)
        below = await sent(smtp(platform.port), envelope(sender_address="a@mail.shop.example"), accounts=accounts)
    assert {inside.status, outside.status, below.status} == {"accepted"}
    assert [mail.sender for mail in own.mails] == ["notifications@shop.example"]
    assert [mail.sender for mail in platform.mails] == ["a@platform.example", "a@mail.shop.example"]


async def test_of_several_the_nearest_that_may_carry_it_does():
    with MailServer() as seller, MailServer() as distributor, MailServer() as platform:
        accounts = [account(seller.port, from_domain="seller.example"), account(distributor.port)]
        await sent(smtp(platform.port), accounts=accounts)
    assert [len(one.mails) for one in (seller, distributor, platform)] == [0, 1, 0]


async def test_idn_domains_are_compared_as_the_dns_has_them():
    with MailServer() as own, MailServer() as platform:
        accounts = [account(own.port, from_domain="Bücher.example")]
        await sent(smtp(platform.port), envelope(sender_address="a@bücher.example"), accounts=accounts)
    assert (len(own.mails), len(platform.mails)) == (1, 0)


@pytest.mark.parametrize("port", [587, 4242])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "0x7f000001", "127.1", "::1"]
)
async def test_an_account_reaches_nothing_internal(host, port):
    channel = SmtpChannel(SmtpChannel.Settings(port=1), outbound("nowhere.example"))
    outcome = await sent(channel, accounts=[account(port, host=host)])
    assert (outcome.status, outcome.reason) == ("failed", "forbidden_target")


async def test_an_account_is_reached_on_ports_of_mail_only():
    channel = SmtpChannel(SmtpChannel.Settings(), outbound("nowhere.example"))
    outcome = await sent(channel, accounts=[account(6379, host="93.184.216.34")])
    assert (outcome.status, outcome.reason) == ("failed", "forbidden_target")


# ------------------------------------------------------------------ while it is away


async def gone():
    async with bare_server(None) as talk:
        pass
    return talk.port


async def test_without_fallback_it_waits_for_its_own_server():
    with MailServer() as platform:
        outcome = await sent(smtp(platform.port), accounts=[account(await gone())])
    assert (outcome.status, outcome.reason, platform.mails) == ("retry", "unreachable", [])


async def test_with_fallback_the_platforms_server_stands_in():
    with MailServer() as platform:
        away = await sent(smtp(platform.port), accounts=[account(await gone(), fallback=True)])
        barred = account(25, host="10.1.2.3", fallback=True)
        channel = SmtpChannel(SmtpChannel.Settings(port=platform.port), outbound("nowhere.example"))
        forbidden = await sent(channel, accounts=[barred])
    assert (away.status, forbidden.status, len(platform.mails)) == ("accepted", "accepted", 2)


async def test_fallback_is_not_for_mail_the_account_refused():
    with MailServer(answer=lambda _: "550 5.7.1 not from you") as own, MailServer() as platform:
        outcome = await sent(smtp(platform.port), accounts=[account(own.port, fallback=True)])
    assert (outcome.status, platform.mails) == ("failed", [])


async def test_fallback_is_not_for_mail_that_may_have_arrived():
    async def script(talk, reader, writer):
        for answer in (b"220 a\r\n", b"250 a\r\n", b"250 a\r\n", b"250 a\r\n", b"354 a\r\n"):
            writer.write(answer)
            await reader.readline()
        await reader.readuntil(b"\r\n.\r\n")

    with MailServer() as platform:
        async with bare_server(script, limit=10_000_000) as own:
            outcome = await sent(smtp(platform.port), accounts=[account(own.port, fallback=True)])
    assert (outcome.status, platform.mails) == ("unknown", [])


def test_a_login_in_the_open_is_refused():
    with pytest.raises(ValidationError, match="others may read the password"):
        account(587, host="smtp.shop.example", username="a", password="b")


def test_a_label_shows_no_secret():
    label = SmtpChannel.label(account(587, username="livery", password="canary-123"))
    assert label == "shop.example by 127.0.0.1"


# ------------------------------------------------------------------ the whole path


def configuration(folder, platform, own, **changes):
    return {
        "database_url": f"sqlite:///{folder}/livery.db",
        "verified_domains": ["seller.example"],
        "outbound": {"allow": ["127.0.0.1"]},
        "channels": {"smtp": {"port": platform}},
        "tenants": {
            "platform": {},
            SELLER: {
                "parent": "platform",
                "sender": {"address": "shop@seller.example"},
                "channels": {
                    "smtp": {
                        "host": "127.0.0.1",
                        "port": own,
                        "tls": "none",
                        "from_domain": "seller.example",
                        **changes,
                    }
                },
            },
        },
    }


def test_an_event_of_the_tenant_goes_out_by_its_account(tmp_path):
    with (
        MailServer() as own,
        MailServer() as platform,
        Engine.open(Config.load(None, **configuration(tmp_path, platform.port, own.port))) as engine,
    ):
        engine.accept(EVENT)
        engine.drain()
        [delivery] = engine.deliveries()
    assert (delivery.state, delivery.channel) == ("accepted", "smtp")
    assert [mail.sender for mail in own.mails] == ["shop@seller.example"]
    assert platform.mails == []


def test_without_a_server_of_the_platforms_there_is_an_error_that_says_so(tmp_path):
    settings = configuration(tmp_path, 25, 25)
    del settings["channels"]
    with pytest.raises(ConfigError, match=r"\[channels.smtp\] too"):
        Engine.open(Config.load(None, **settings))


def test_a_wrong_account_is_told_without_its_password(tmp_path):
    settings = configuration(tmp_path, 25, 25, host="smtp.seller.example", username="a", password="canary-9f")
    with pytest.raises(ConfigError) as error:
        Engine.open(Config.load(None, **settings))
    assert f"tenants.{SELLER}.channels.smtp.0" in str(error.value)
    assert "canary-9f" not in str(error.value)


def test_the_envelope_of_the_tests_is_in_the_accounts_domain():
    assert ENVELOPE.sender_address.endswith("@shop.example")
