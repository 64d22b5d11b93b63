"""Mail comes from a tenant's own domain if the tenant has shown that it is its own, for as long as it is."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.commands import livery
from livery import Config, Engine
from livery.domains import Lookup
from livery.errors import InputError, NotFound, Refused
from unit.making import plugin

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
PLATFORM = "hello@platform.example"


class Dns:
    """Answers by a table; a name that is not in it has no record, None is never answered."""

    def __init__(self):
        self.texts, self.asked = {}, []

    def __call__(self, name):
        self.asked.append(name)
        found = self.texts.get(name, ())
        return Lookup(status="unknown", detail="Timeout") if found is None else Lookup(tuple(found))

    def publish(self, one):
        name, text = one.record
        self.texts.setdefault(name, []).append(text)


class Clock:
    def __init__(self):
        self.at = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self):
        return self.at


@pytest.fixture
def dns():
    return Dns()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def alarms():
    return []


@pytest.fixture
def settings(tmp_path, mail):
    return {
        "database_url": f"sqlite:///{tmp_path}/livery.db",
        "sender": {"address": PLATFORM},
        "verified_domains": ["Listed.example"],
        "channels": {"smtp": {"host": "127.0.0.1", "port": mail.port}},
        "tenants": {
            "platform": {"contacts": {"operations": {"email": "ops@platform.example"}}},
            "north": {"parent": "platform"},
            "res-org-n": {"parent": "north", "sender": {"address": "us@shop.example"}},
            "other": {"parent": "north", "sender": {"address": "us@shop.example"}},
        },
    }


@pytest.fixture
def engine(settings, clock, dns, alarms):
    heard = plugin("heard", livery_on_alarm=lambda kind, message, event: alarms.append((kind, message)))
    with Engine.open(Config.load(None, **settings), plugins={"heard": heard}, now=clock, resolve=dns) as opened:
        opened.migrate()
        yield opened


def sender(engine, seller="res-org-n"):
    """(address, why) of the mail of a seller."""
    event = json.loads(json.dumps(GOOD))
    event["data"]["seller"]["id"] = seller
    (mail,) = engine.explain(event).deliveries
    return mail.sender, mail.sender_why


def verified(engine, dns, tenant="res-org-n", domain="shop.example"):
    dns.publish(engine.domains.add(tenant, domain))
    return engine.domains.check(tenant, domain)


def test_from_the_platforms_address_until_the_record_is_found_and_each_step_says_what_to_do(engine, dns, mail):
    address, why = sender(engine)
    assert address == PLATFORM
    assert why.startswith("the platform's address: the domain of us@shop.example (seller res-org-n) is not verified")
    assert why.endswith(": livery domain add res-org-n shop.example")
    one = engine.domains.add("res-org-n", "Shop.Example.")
    assert engine.domains.add("res-org-n", "shop.example") == one
    assert f"publish at _livery.shop.example TXT 'livery-domain={one.token}'" in sender(engine)[1]
    assert not engine.domains.check("res-org-n", "shop.example").counts
    assert f"has no such record; publish TXT 'livery-domain={one.token}'" in sender(engine)[1]
    dns.publish(one)
    assert engine.domains.check("res-org-n", "shop.example").counts
    asked = len(dns.asked)
    assert sender(engine) == ("us@shop.example", "from seller res-org-n")
    engine.accept(GOOD)
    engine.drain()
    assert mail.mails[0].parsed["From"].endswith("<us@shop.example>")
    assert len(dns.asked) == asked, "no message waits for DNS"


def test_a_domain_counts_for_the_tenant_and_those_below_it_and_for_nobody_else(engine, dns):
    verified(engine, dns)
    assert sender(engine)[0] == "us@shop.example"
    assert sender(engine, "other")[0] == PLATFORM
    engine.domains.remove("res-org-n", "shop.example")
    assert sender(engine)[0] == PLATFORM
    verified(engine, dns, "north")
    assert sender(engine)[0] == sender(engine, "other")[0] == "us@shop.example"


def test_two_tenants_may_each_show_that_one_domain_is_theirs(engine, dns):
    mine, theirs = (engine.domains.add(tenant, "shop.example") for tenant in ("res-org-n", "other"))
    dns.publish(mine)
    assert [engine.domains.check(one.tenant, one.domain).counts for one in (mine, theirs)] == [True, False]
    dns.publish(theirs)
    assert [one.counts for one in (*engine.domains.recheck(), *engine.domains.find(tenant="res-org-n"))] == [True]
    assert mine.token != theirs.token


def test_subdomains_are_other_domains_and_other_letters_are_compared_in_ascii(engine, dns):
    verified(engine, dns, domain="bücher.example")
    chain = engine.tenants.chain("res-org-n")
    standing = {
        name: engine.domains.standing(chain, name).counts
        for name in ("bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "mail.bücher.example", "example")
    }
    assert [name for name, counts in standing.items() if counts] == list(standing)[:3]


def test_those_of_livery_toml_count_for_everybody(settings, dns):
    settings["tenants"]["other"]["sender"]["address"] = "us@LISTED.example"
    with Engine.open(Config.load(None, **settings), resolve=dns) as engine:
        assert sender(engine, "other")[0] == "us@LISTED.example"


def test_a_domain_is_asked_for_again_and_lost_with_an_alarm_when_its_record_is_gone(engine, dns, clock, alarms):
    one = verified(engine, dns)
    clock.at += timedelta(days=6, hours=23)
    assert engine.domains.recheck() == []
    clock.at += timedelta(hours=1)
    dns.texts[one.record[0]] = None
    assert [(again.status, again.counts) for again in engine.domains.recheck()] == [("unknown", True)]
    assert sender(engine)[0] == "us@shop.example"
    assert alarms == []
    clock.at += timedelta(hours=1)
    dns.texts.clear()
    assert [(again.status, again.is_lost) for again in engine.domains.recheck()] == [("missing", True)]
    assert sender(engine)[0] == PLATFORM
    ((kind, message),) = alarms
    assert kind == "domain_lost"
    assert "shop.example of res-org-n" in message
    clock.at += timedelta(hours=1)
    dns.publish(one)
    assert [again.counts for again in engine.domains.recheck()] == [True]
    assert sender(engine)[0] == "us@shop.example"
    assert len(alarms) == 1


def test_a_change_counts_in_every_process_at_once(engine, settings, dns, clock):
    with Engine.open(Config.load(None, **settings), now=clock, resolve=dns) as elsewhere:
        assert sender(elsewhere)[0] == PLATFORM
        verified(engine, dns)
        assert sender(elsewhere)[0] == "us@shop.example"
        elsewhere.domains.remove("res-org-n", "shop.example")
        assert sender(engine)[0] == PLATFORM


@given(st.lists(st.sampled_from(["verified", "missing", "unknown"]), min_size=1, max_size=12))
def test_what_counts_is_the_last_that_dns_could_tell(answers):
    from livery.domains import Verdict
    from livery.sender_domains import SenderDomain, SenderDomains

    clock = Clock()
    of = SenderDomains(None, made=None, found=None, resolve=None, alarm=None, now=clock, recheck=timedelta(days=7))
    one = SenderDomain("t", "a.example", "x", clock.at, clock.at, clock.at)
    for answer in answers:
        clock.at = one.due_at + timedelta(seconds=1)
        one = of._after(one, Verdict(answer, ""))
        assert timedelta(hours=1) <= one.due_at - clock.at <= timedelta(days=7)
    told = [answer for answer in answers if answer != "unknown"]
    assert one.counts == (told[-1:] == ["verified"])
    assert one.is_lost == (told[-1:] == ["missing"] and "verified" in told)


def test_what_is_refused(engine):
    with pytest.raises(InputError, match="domain: expected one that mail comes from"):
        engine.domains.add("res-org-n", "us@shop.example")
    with pytest.raises(NotFound, match="no tenant is called 'nobody'"):
        engine.domains.add("nobody", "shop.example")
    engine.tenants.add("late", parent="north")
    engine.domains.add("late", "shop.example")
    with pytest.raises(Refused, match="domains: expected none of its own; livery domain remove late"):
        engine.tenants.remove("late")
    with pytest.raises(NotFound, match="has no domain"):
        engine.domains.check("res-org-n", "shop.example")


def test_the_command_line(settings, tmp_path, name_server):
    table, port = name_server
    home = tmp_path
    (home / "livery.toml").write_text(
        f'[domains]\nnameservers = ["127.0.0.1"]\nnameserver_port = {port}\n'
        '[tenants.platform]\n[tenants.shop]\nparent = "platform"\n'
    )
    assert "No tenant has a domain." in livery("domain", "list", cwd=home).stderr
    said = livery("domain", "add", "shop", "Shop.Example", cwd=home).stdout
    one = json.loads(livery("domain", "add", "shop", "shop.example", "--json", cwd=home).stdout)
    assert f'_livery.shop.example.  TXT  "{one["record"]["text"]}"' in said
    assert livery("domain", "check", "shop", "shop.example", cwd=home).returncode == 1
    assert "not verified" in livery("domain", "list", cwd=home).stdout
    table[one["record"]["name"]] = [[one["record"]["text"]]]
    done = livery("domain", "check", "shop", "shop.example", cwd=home)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "✓ shop.example of shop: verified")
    table.clear()
    assert livery("domain", "check", "shop", "shop.example", cwd=home).returncode == 1
    done = livery("doctor", cwd=home)
    assert "✗ sender domains: shop.example of shop: _livery.shop.example has no such record" in done.stdout
    assert livery("domain", "remove", "shop", "shop.example", cwd=home).stdout == "Removed: shop.example of shop.\n"
    assert livery("domain", "remove", "shop", "shop.example", cwd=home).returncode == 2
    assert livery("domain", "list", "--tenant", "nobody", cwd=home).returncode == 2
