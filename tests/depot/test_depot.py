"""Packs in the store: a tenant's version is active for it and those below it, and is taken back as it was."""

import time

import pytest
from sqlalchemy import text

import databases
from depot.making import NORTH, RIVAL, SELLER, event, opened, pack_zip, said
from livery.errors import NotFound, PackError, Refused, SettingsLocked
from livery.packtools.signing import make_keys, sign

WHO = "nele"


@pytest.fixture
def url(tmp_path):
    """What is not about the store's own words is tried on one of them."""
    return f"sqlite:///{tmp_path}/livery.db"


@pytest.fixture
def engine(url):
    with opened(url) as made:
        yield made


@pytest.fixture
def on_each(store_url):
    with opened(store_url) as made:
        yield made


def uploaded(engine, tenant=NORTH, **options):
    content = pack_zip(**options)
    return engine.packs.add(tenant, content, who=WHO), content


def comes(engine, subject):
    """Another process hears of it."""
    until = time.monotonic() + 20
    while said(engine)[0] != subject:
        assert time.monotonic() < until, f"{said(engine)[0]!r} is still said"
        time.sleep(0.02)


def base(engine, seller=SELLER):
    subject, packs, degraded = said(engine, seller)
    assert [one.partition(" ")[0] for one in packs][-1] == "base"
    return "fjord" not in subject and not degraded


def test_an_activated_pack_is_said_by_the_tenant_and_those_below_alone_and_is_taken_back(on_each, store_url):
    assert base(on_each)
    one, content = uploaded(on_each)
    assert base(on_each), "what is uploaded alone changes nothing"
    assert on_each.packs.content(one.id) == content
    with opened(store_url) as other:
        assert base(other)
        on_each.packs.activate(NORTH, "fjord", who=WHO)
        assert said(on_each) == ("fjord 1.0.0", said(on_each)[1], ())
        comes(other, "fjord 1.0.0")
        assert said(other) == said(on_each)
        assert base(on_each, RIVAL)
        assert base(other, RIVAL)
        uploaded(on_each, version="1.1.0")
        on_each.packs.activate(NORTH, "fjord", "1.1.0", who=WHO, note="spring")
        comes(other, "fjord 1.1.0")
        on_each.packs.roll_back(NORTH, "fjord", who="sami")
        comes(other, "fjord 1.0.0")
        assert said(on_each)[0] == "fjord 1.0.0"
    assert on_each.packs.roll_back(NORTH, "fjord", who=WHO).name == "1.1.0"
    told = [(one.action, one.before_name, one.after_name, one.who) for one in on_each.packs.history(NORTH)]
    assert told == [
        ("roll back", "1.0.0", "1.1.0", WHO),
        ("roll back", "1.1.0", "1.0.0", "sami"),
        ("activate", "1.0.0", "1.1.0", WHO),
        ("upload", "", "1.1.0", WHO),
        ("activate", "", "1.0.0", WHO),
        ("upload", "", "1.0.0", WHO),
    ]


def test_the_stock_says_whether_anything_has_changed(engine):
    before = engine.stock.state()
    assert engine.stock.state() is before
    uploaded(engine)
    engine.packs.activate(NORTH, "fjord", who=WHO)
    after = engine.stock.state()
    assert after is not before
    assert engine.stock.state() is after


def test_the_first_activation_taken_back_leaves_no_trace_in_messages_and_comes_again(on_each):
    uploaded(on_each)
    on_each.packs.activate(NORTH, "fjord", who=WHO)
    assert on_each.settings.history(NORTH)[0].after[1] == "fjord"
    assert on_each.packs.roll_back(NORTH, "fjord", who=WHO) is None
    assert base(on_each)
    assert on_each.packs.active(NORTH) == []
    assert on_each.settings.own(NORTH) == []
    assert on_each.packs.roll_back(NORTH, "fjord", who=WHO).name == "1.0.0"
    assert said(on_each)[0] == "fjord 1.0.0"


def test_what_a_tenant_names_meanwhile_is_not_undone_by_a_roll_back(engine):
    uploaded(engine)
    engine.packs.activate(NORTH, "fjord", who=WHO)
    engine.settings.change(NORTH, "set", "pack", "polar")
    engine.packs.roll_back(NORTH, "fjord", who=WHO)
    assert said(engine)[1][0].startswith("polar ")


def test_a_pack_that_is_named_although_it_was_taken_back_is_said_in_its_last_version(engine):
    """As in the moment between the settings a process has read and the packs it reads next."""
    uploaded(engine)
    engine.packs.activate(NORTH, "fjord", who=WHO)
    engine.settings.change(SELLER, "set", "pack", "fjord")
    engine.packs.roll_back(NORTH, "fjord", who=WHO)
    assert said(engine)[::2] == ("fjord 1.0.0", ())
    with pytest.raises(NotFound, match="no pack is called 'fjord'"):
        engine.settings.change(RIVAL, "set", "pack", "fjord")


def test_a_seller_builds_on_its_distributors_pack_and_follows_its_versions(engine):
    uploaded(engine, SELLER, pack="shop", parent="base")
    with pytest.raises(PackError, match="parent 'north-brand' is not installed"):
        uploaded(engine, SELLER, pack="shop2", parent="north-brand")
    uploaded(engine, NORTH, pack="north-brand", word="by north 1")
    engine.packs.activate(NORTH, "north-brand", who=WHO)
    over = pack_zip("shop", "2.0.0", parent="north-brand", **{"strings/en.toml": '[common]\nclosing = "Shop"\n'})
    engine.packs.add(SELLER, over, who=WHO)
    engine.packs.activate(SELLER, "shop", "2.0.0", who=WHO)
    assert said(engine)[0] == "by north 1"
    uploaded(engine, NORTH, pack="north-brand", version="1.1.0", word="by north 2")
    engine.packs.activate(NORTH, "north-brand", who=WHO)
    subject, packs, _ = said(engine)
    assert subject == "by north 2"
    assert packs[:2] == ("shop 2.0.0", "north-brand 1.1.0")


def test_a_version_is_tried_with_one_seller_before_it_is_everybodys(engine):
    uploaded(engine)
    engine.packs.activate(NORTH, "fjord", who=WHO)
    uploaded(engine, version="2.0.0")
    engine.packs.activate(SELLER, "fjord", "2.0.0", who=WHO)
    assert said(engine, SELLER)[0] == "fjord 2.0.0"
    assert said(engine, NORTH)[0] == "fjord 1.0.0"
    assert [(one.tenant, one.name) for one in engine.packs.active(SELLER)] == [(SELLER, "2.0.0")]


def test_a_version_never_changes_and_the_same_one_is_kept_once(engine):
    one, content = uploaded(engine)
    assert engine.packs.add(NORTH, content, who="sami") == one
    with pytest.raises(Refused, match="already, with other files"):
        uploaded(engine, word="otherwise")
    assert len(engine.packs.list()) == 1


def test_only_what_is_active_nowhere_can_be_removed(engine):
    one, _ = uploaded(engine)
    two, _ = uploaded(engine, version="1.1.0")
    engine.packs.activate(SELLER, "fjord", "1.0.0", who=WHO)
    with pytest.raises(Refused, match=SELLER):
        engine.packs.remove(one.id, who=WHO)
    engine.packs.activate(SELLER, "fjord", "1.1.0", who=WHO)
    engine.packs.remove(one.id, who=WHO)
    assert [left.id for left in engine.packs.list()] == [two.id]
    with pytest.raises(Refused, match="was removed"):
        engine.packs.roll_back(SELLER, "fjord", who=WHO)
    assert engine.packs.history()[0].action == "remove"


def test_a_locked_setting_keeps_a_pack_from_being_activated(on_each):
    uploaded(on_each, SELLER)
    on_each.settings.change(NORTH, "lock", "pack")
    with pytest.raises(SettingsLocked):
        on_each.packs.activate(SELLER, "fjord", who=WHO)
    assert on_each.packs.active(SELLER) == []
    assert [one.action for one in on_each.packs.history()] == ["upload"], "half an activation would be in the trail"


def test_bytes_that_were_changed_in_the_store_are_not_used_and_the_message_goes_out(on_each, store_url):
    one, content = uploaded(on_each)
    on_each.packs.activate(NORTH, "fjord", who=WHO)
    with on_each._opened().ledger.transaction() as tx:
        spoilt = content.replace(b"fjord 1.0.0", b"EVIL! 1.0.0")
        tx.execute(text("UPDATE livery_pack_version SET content = :c WHERE id = :i"), {"c": spoilt, "i": one.id})
    with opened(store_url) as other:
        subject, packs, degraded = said(other)
        assert "EVIL" not in subject
        assert packs[-1].startswith("base ")
        assert "is not what was uploaded" in degraded[0]


@pytest.mark.parametrize("wrong", [b"", b"no zip", pack_zip(version="1") + b"x" * 20_000_000])
def test_what_is_no_pack_is_refused(engine, wrong):
    with pytest.raises(PackError):
        engine.packs.add(NORTH, wrong, who=WHO)
    assert engine.packs.list() == []


def test_a_pack_with_errors_is_refused_with_the_places_of_them(engine):
    with pytest.raises(PackError) as refused:
        uploaded(engine, **{"strings/de.toml": "[a\nb = 1\n"})
    (found,) = refused.value.findings
    assert (found.file, found.line) == ("strings/de.toml", 1)


def test_an_id_that_is_installed_for_everybody_is_nobodys(engine):
    with pytest.raises(PackError, match="installed for everybody"):
        uploaded(engine, pack="polar")


def test_a_tenant_keeps_no_more_than_it_may(url):
    with opened(url, packs={"max_versions": 2}) as engine:
        uploaded(engine)
        uploaded(engine, version="1.1.0")
        with pytest.raises(Refused, match="at most 2 versions"):
            uploaded(engine, version="1.2.0")
        uploaded(engine, SELLER, version="1.2.0")


def test_where_signatures_are_required_only_trusted_ones_count_also_when_it_is_used(url, tmp_path):
    ours, others = make_keys(tmp_path / "ours"), make_keys(tmp_path / "others")
    content = pack_zip()
    with opened(url) as open_to_all:
        unsigned = open_to_all.packs.add(SELLER, pack_zip("shop"), who=WHO)
        assert unsigned.signed_by == ""
        open_to_all.packs.activate(SELLER, "shop", who=WHO)
    strict = {"require_signature": True, "trusted_keys": [str(ours.public)]}
    with opened(url, packs=strict) as engine:
        for signature in (None, sign(content, others.private), b"x"):
            with pytest.raises(PackError, match="sign"):
                engine.packs.add(NORTH, content, who=WHO, signature=signature)
        one = engine.packs.add(NORTH, content, who=WHO, signature=sign(content, ours.private))
        assert one.signed_by == "ours"
        engine.packs.activate(NORTH, "fjord", who=WHO)
        subject, _, degraded = said(engine, SELLER)
        assert subject == "fjord 1.0.0", "the seller's own was never signed"
        assert "is not signed" in degraded[0]


def test_a_message_names_the_version_it_was_written_with(engine):
    one, _ = uploaded(engine)
    engine.packs.activate(NORTH, "fjord", who=WHO)
    made = engine.preview(event(), locale="en").wording
    assert (made.packs[0], made.digests[0]) == (one.label, one.digest)
    assert len(made.digests) == len(made.packs)


def test_a_machine_takes_what_another_has_compiled(postgres, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("it was compiled again")

    with databases.database(postgres) as url:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
        with opened(url) as one:
            whole = one.preview(event(), locale="en").message
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two"))
        with opened(url) as other:
            other.press.ask = never
            assert other.preview(event(), locale="en").message.html == whole.html
    assert list((tmp_path / "two").rglob("*.json"))
