"""Erasure on request: the person is gone from the log, the record stays, and nobody else loses a message."""

import re
from datetime import timedelta

import pytest

from livery.errors import InputError
from livery.execution.embedded import EmbeddedExecution
from livery.models.delivery import Reason, State
from livery.ports import Claim, Done, NewEvent, Wake, Who
from livery.storage import erasure as erasure_module
from livery.storage.erasure import Erasures
from livery.storage.retention import Retention
from livery.vault import Vault, new_key
from store.ledgers import BUSY, GOOD, START, claimed, ended, everything, opened, sent, told
from store.test_retention import POLICY, SAID

WHO = Who("clerk@desk", "asked in writing")
VAULT = Vault([new_key()])
LATER = START + timedelta(days=1)


@pytest.fixture
def ledger(store_url):
    made = opened(store_url)
    yield made
    made.close()


class Woken:
    """What an erasure asks of the engine that wakes."""

    def __init__(self):
        self.cancelled = []

    def cancel(self, tx, works):
        self.cancelled += works


@pytest.fixture
def woken():
    return Woken()


@pytest.fixture
def erasures(ledger, woken):
    return Erasures(ledger, woken, VAULT, now=lambda: LATER)


def erased(erasures, kind, subject, **options):
    id_ = erasures.begin(kind, subject, WHO, **options)
    erasures.go_on()
    (found,) = erasures.find(id_)
    return found


def test_a_person_is_gone_from_every_message_and_event_that_named_them_and_from_no_other(ledger, erasures):
    (_, mail, hook) = told(
        ledger, "e1", ["ada@a.example", "bob@b.example"], hooks=["erp"], body='{"note": "x\\nAda@A.example."}'
    )
    (_, other) = told(ledger, "e2", ["nada@a.example"], body='{"user": "ada@a.example.org, ada@a.example-x.org"}')
    (_, by_event) = told(ledger, "e3", ["bob@b.example"], body='{"mail": "mailto:ada@a.example?x"}')
    (_, elsewhere) = told(ledger, "e4", ["ada@a.example"], tenant="rival")
    for id_ in (mail, hook, other, by_event, elsewhere):
        sent(ledger, id_, SAID if id_ == mail else GOOD)
    found = erased(erasures, "recipient", "Ada@A.example", tenant="shop")
    assert (found.erased, found.waits, bool(found.ended_at)) == (3, 0, True)
    assert found.subject == VAULT.hashed("ada@a.example", context="told")
    assert ledger.delivery(elsewhere).destination == "ada@a.example"
    assert erased(erasures, "recipient", "ada@a.example").erased == 1
    left = everything(ledger.engine)
    assert re.findall(r"(?<!n)ada@a\.example(?!\.org|-x)", left, re.IGNORECASE) == []
    assert left.count("nada@a.example") > 1
    assert ledger.delivery(other).title
    record = ledger.delivery(mail)
    assert (record.state, record.tenant, record.created_at, record.purged_at) == (State.ACCEPTED, "shop", START, LATER)
    assert Retention(ledger, POLICY, VAULT, now=lambda: LATER).was_told(mail, "ada@a.example")


def test_what_is_open_and_for_nobody_else_is_given_up(ledger, erasures, woken):
    (_, mail) = told(ledger, "e1", ["ada@a.example"])
    sent(ledger, mail, BUSY)
    assert erased(erasures, "recipient", "ada@a.example").ended_at
    one = ledger.delivery(mail)
    assert (one.state, one.reason, one.destination) == (State.SUPPRESSED, Reason.CANCELLED, "")
    assert woken.cancelled == [mail]
    assert claimed(ledger, mail, LATER) == Done()


def test_what_is_open_for_others_too_goes_on_without_the_person_and_is_erased_then(ledger, erasures):
    (key, mail, hook) = told(ledger, "e1", ["ada@a.example", "bob@b.example"], hooks=["erp"], body='"ada@a.example"')
    found = erased(erasures, "recipient", "ada@a.example")
    assert (found.waits, found.ended_at, found.erased) == (1, None, 0)
    claim = claimed(ledger, mail, LATER)
    assert claim.settled == {"ada@a.example": "suppressed"}
    assert ledger.settle(claim, ended(claim, SAID, LATER)).recorded
    erasures.go_on()
    assert ledger.event(key).body == b'"ada@a.example"'
    sent(ledger, hook, now=LATER)
    erasures.go_on()
    assert erasures.find(ended=False) == []
    assert "ada@" not in everything(ledger.engine)


def test_what_is_being_sent_ends_first(ledger, erasures):
    (_, mail) = told(ledger, "e1", ["ada@a.example"])
    claim = claimed(ledger, mail, LATER)
    assert isinstance(claim, Claim)
    assert erased(erasures, "event", "e1").waits == 1
    assert ledger.settle(claim, ended(claim, SAID, LATER)).recorded
    erasures.go_on()
    assert ledger.delivery(mail).state is State.ACCEPTED
    assert "ada@" not in everything(ledger.engine)


def test_a_tenants_whole_log_goes_even_what_is_not_planned_yet_and_nobody_elses(ledger, erasures, woken):
    (_, mine), (_, theirs) = told(ledger, "e1", ["ada@a.example"]), told(ledger, "e1", ["ada@a.example"], tenant="x")
    with ledger.transaction() as tx:
        new = NewEvent(("shop", "src", "late"), "X", b'"ada@a.example"', "-", None)
        ((late, _),) = ledger.add_events(tx, [new], now=START)
    assert erased(erasures, "tenant", "shop").ended_at
    assert set(woken.cancelled) == {mine, late}
    assert ledger.event(late).body == b""
    assert ledger.overdue(before=LATER, limit=10) == [Wake(theirs, "smtp", START, tenant="x", destination="smtp:x")]
    assert ledger.delivery(theirs).destination == "ada@a.example"


def test_sealed_events_are_looked_into(ledger, erasures):
    sealed = VAULT.seal('{"user": {"email": "ada@a.example"}}', context="event\nshop")
    (key, mail) = told(ledger, "e1", ["bob@b.example"], body=sealed)
    sent(ledger, mail)
    assert erased(erasures, "recipient", "ada@a.example").erased == 1
    assert ledger.event(key).body == b""


def test_broken_off_between_any_two_batches_it_goes_on_where_it_was(ledger, erasures, monkeypatch):
    monkeypatch.setattr(erasure_module, "_BATCH", 3)
    for number in range(10):
        (_, mail) = told(ledger, f"e{number}", ["ada@a.example" if number % 2 else "bob@b.example"])
        sent(ledger, mail)

    class Killed(Exception):
        pass

    def kill(_):
        raise Killed

    id_ = erasures.begin("recipient", "ada@a.example", WHO)
    for _ in range(20):
        if erasures.find(id_)[0].ended_at:
            break
        assert erasures.begin("recipient", "ada@a.example", WHO) == id_
        with pytest.raises(Killed):
            erasures.go_on(progress=kill)
    (found,) = erasures.find(id_)
    assert found.erased == 5
    assert "ada@" not in everything(ledger.engine)
    assert everything(ledger.engine).count("bob@") > 0
    assert erased(erasures, "recipient", "ada@a.example").erased == 0


def test_without_a_key_no_hash_is_kept(ledger, woken):
    (_, mail) = told(ledger, "e1", ["ada@a.example"])
    sent(ledger, mail)
    found = erased(Erasures(ledger, woken, Vault(), now=lambda: LATER), "recipient", "ada@a.example")
    assert (found.erased, found.subject) == (1, "")


def test_no_address_is_no_request(erasures):
    with pytest.raises(InputError, match="one e-mail address"):
        erasures.begin("recipient", "ada", WHO)


def test_who_asked_and_why_is_on_record_and_the_address_is_not(ledger, erasures):
    found = erased(erasures, "recipient", "ada@a.example")
    from livery.storage.interventions import Interventions

    by_hand = Interventions(ledger, EmbeddedExecution(ledger.engine, now=lambda: LATER, on_takeover=list), now=None)
    (record,) = by_hand.audit(found.id)
    assert (record.action, record.actor, record.why, record.result) == ("erase", "clerk@desk", WHO.why, "recipient")
