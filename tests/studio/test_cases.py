"""What there is to see: every notification, language, channel and sample, and odd data that still is valid."""

import json
from itertools import product

import pytest

from livery.errors import NotFound, PackError
from livery.studio.cases import enumerated
from livery.studio.samples import Sample
from studio.making import DEFINITION, EVENT, MANIFEST, NOTIFICATION, event, fjord, tiny, write, zipped

SAMPLE = f"samples/{NOTIFICATION}"
ODD = {"long", "bare", "rtl", "hostile"}


@pytest.fixture
def bench(tmp_path, opened):
    return opened(fjord(tmp_path))


def samples_of(bench):
    return {case.sample.name: case.sample for case in bench.cases.values() if case.notification == NOTIFICATION}


def test_every_combination_is_a_case_once(bench):
    found = [(c.notification, c.locale, c.channel.name, c.sample.name) for c in bench.cases.values()]
    assert len(found) == len(set(found))
    names = samples_of(bench)
    channels = {channel for _, _, channel, _ in found}
    assert {"smtp", "slack", "teams", "webhook"} <= channels
    wanted = product([NOTIFICATION], bench.packs.locales(), channels, names)
    assert set(wanted) == {one for one in found if one[0] == NOTIFICATION}


def test_notifications_come_from_the_whole_chain(bench):
    assert NOTIFICATION in {case.notification for case in bench.cases.values()}


def test_the_packs_own_language_comes_first(tmp_path, opened):
    german = fjord(tmp_path, {"pack.toml": MANIFEST.replace('["en"]', '["de"]')})
    first = next(iter(opened(german).cases.values()))
    assert (first.locale, first.sample.name) == ("de", "de")


def test_there_is_odd_data_and_it_is_still_valid(bench):
    samples = samples_of(bench)
    assert set(samples) >= ODD
    for name in ODD:
        bench.engine.read(samples[name].raw)


def test_odd_data_is_odd(bench):
    odd = {name: json.loads(one.raw)["data"] for name, one in samples_of(bench).items() if name in ODD}
    assert len(odd["long"]["error"]["message"]) > 2000
    assert "<script>" in odd["hostile"]["error"]["message"]
    assert "javascript:" not in odd["hostile"]["customer"]["id"]
    assert "user" not in odd["bare"]
    assert set(odd["bare"]["offer"]) == {"name"}
    assert "\u0627" in odd["rtl"]["customer"]["name"]
    assert {one["seller"]["id"] for one in odd.values()} == {EVENT["data"]["seller"]["id"]}


def test_a_packs_sample_hides_its_parents_of_the_same_name(tmp_path, opened):
    mine = json.dumps(event(customer__name="Nearest GmbH"))
    bench = opened(fjord(tmp_path, {f"{SAMPLE}/{NOTIFICATION}.en.json": mine}))
    assert samples_of(bench)["en"].pack == "fjord"
    assert samples_of(bench)["de"].pack == "base"
    look = bench.look(next(slug for slug, case in bench.cases.items() if case.sample.name == "en"))
    assert "Nearest GmbH" in look.message.text


def test_a_sample_that_is_no_event_is_a_finding_and_hides_nothing_else(tmp_path, opened):
    bench = opened(fjord(tmp_path, {f"{SAMPLE}/wrong.json": '{"type": "OfferProvisionError"}'}))
    found = [one for one in bench.findings if one.rule == "sample"]
    assert {(one.severity, one.pack, one.file) for one in found} == {("error", "fjord", f"{SAMPLE}/wrong.json")}
    assert any("specversion" in one.message for one in found)
    assert {"en", "de", "ar"} <= set(samples_of(bench))


def test_a_sample_of_another_event_type_is_a_finding(tmp_path, opened):
    files = {
        "notifications/order_sung.toml": 'event = "OrderSung"\nsubject = "common.closing"\ntitle = "common.closing"\n',
    }
    bench = opened(fjord(tmp_path, files))
    assert any(one.rule == "event-type" and "order_sung" in one.message for one in bench.findings)


def test_slugs_are_file_names_and_in_nobodys_way(bench):
    channel = next(iter(bench.cases.values())).channel
    odd = [Sample(name, name, "{}") for name in ("A b", "a-b", "a/b", "../x", "Ä", "…")]
    slugs = [case.slug for case in enumerated([("n", odd)], ["en"], [channel])]
    assert len(set(slugs)) == len(odd)
    assert all(slug == slug.lower() and "/" not in slug and ".." not in slug for slug in slugs)


def test_a_pack_may_be_a_folder_a_zip_or_an_id(tmp_path, opened):
    folder = fjord(tmp_path)
    by_zip = opened(zipped(folder, tmp_path / "fjord.zip"))
    assert by_zip.packs.top.id == opened(folder).packs.top.id == "fjord"
    assert opened("nordwind").packs.top.id == "nordwind"


def test_a_folder_takes_the_place_of_the_pack_installed_under_its_id(tmp_path, opened):
    edited = write(tmp_path / "work", {"pack.toml": MANIFEST.replace('"fjord"', '"nordwind"')})
    bench = opened(edited)
    assert bench.title == "Fjord Cloud"
    assert [pack.folder for pack in bench.packs.packs if pack.id == "nordwind"] == [edited]


def test_an_installed_packs_own_folder_is_that_pack(opened):
    folder = opened("nordwind").folders()[0]
    assert opened(folder).packs.top.id == "nordwind"


def test_an_unknown_pack_names_those_there_are(opened):
    with pytest.raises(NotFound, match="base"):
        opened("no-such-pack")


def test_a_pack_that_cannot_be_read_says_where(tmp_path, opened):
    with pytest.raises(PackError) as raised:
        opened(fjord(tmp_path, {"pack.toml": "format = 1\nid = \n"}))
    assert "pack.toml" in str(raised.value)


CONFIG = """
[tenants.platform]
[tenants.shop]
parent = "platform"
name = "The Shop"
pack = "base"
[tenants.shop.brand]
primary = "#5b2a86"
[tenants.shop.channels.slack]
url = "https://hooks.slack.com/services/T0/B0/secret"
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "livery.toml").write_text(CONFIG)
    return tmp_path / "livery.toml"


def test_a_sellers_tokens_lie_over_the_packs(tmp_path, config, opened):
    bench = opened(fjord(tmp_path), config=config, seller="shop")
    look = bench.look(next(iter(bench.cases)))
    assert "#5b2a86" in look.message.html
    assert "#134e6f" not in look.message.html
    assert look.sender == "The Shop"
    assert look.packs[0] == "fjord 1.0.0"


def test_nobodys_destinations_come_along(tmp_path, config, opened):
    bench = opened(fjord(tmp_path), config=config, seller="shop")
    assert not any(tenant.channels for tenant in bench.engine.config.tenants.values())


def test_an_unknown_seller_names_those_there_are(tmp_path, config, opened):
    with pytest.raises(NotFound, match="platform, shop"):
        opened(fjord(tmp_path), config=config, seller="nobody")


def test_looking_touches_no_store(tmp_path, monkeypatch, opened):
    monkeypatch.chdir(tmp_path)
    bench = opened(tiny(tmp_path))
    for slug in bench.cases:
        bench.look(slug)
    assert [file.name for file in tmp_path.iterdir()] == ["tiny"]


def test_what_a_channel_has_no_room_for_is_no_fault_of_the_pack(tmp_path, opened):
    block = '[[blocks]]\nid = "more{0}"\nkind = "text"\ntext = "{{{{ event.error.message }}}}"\n'
    many = DEFINITION + "".join(block.format(number) for number in range(12))
    text = "<mj-text>{{ block.text|lines }}</mj-text>"
    files = {f"notifications/{NOTIFICATION}.toml": many, "blocks/text.mjml.j2": text}
    bench = opened(tiny(tmp_path, files))
    look = bench.look(f"{NOTIFICATION}.en.slack.long")
    assert look.fitted
    assert not look.degraded
    assert look.is_fine


def test_what_a_pack_gets_wrong_is_degraded(tmp_path, opened):
    broken = {"strings/en.toml": "[offer_provision_error]\nsummary = '{{ event.nothing.here }}'\n"}
    bench = opened(fjord(tmp_path, broken))
    look = bench.look(next(slug for slug, case in bench.cases.items() if case.locale == "en"))
    assert look.degraded
    assert not look.is_fine
