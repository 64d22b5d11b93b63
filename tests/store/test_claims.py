"""Many at once: what is claimed, kept and settled together comes to the same as each alone."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livery.errors import EventConflict
from livery.models.delivery import State
from livery.models.message import Format, Message
from livery.ports import Again, Claim, Done, NewEvent, Wire
from livery.storage.prepared import Prepared
from store.ledgers import BUSY, GOOD, LEASE, START, added, ended, opened

LATER = START + LEASE + timedelta(seconds=1)
MESSAGE = Message(format=Format.JSON, locale="en", title="Your order", text="")


@pytest.fixture
def ledger(store_url):
    made = opened(store_url, failures=2)
    yield made
    made.close()


def claims(ledger, *ids, at=START):
    return ledger.claim_all(ids, now=at, lease=LEASE, worker="w")


def kept(ledger, claim, wire=b"bytes"):
    return Wire(claim, wire, MESSAGE, {})


def test_each_that_is_asked_for_has_its_own_answer_in_the_order_of_asking(ledger):
    for id_ in ("a", "b", "c", "gone"):
        added(ledger, id_)
    claims(ledger, "b")
    (done,) = claims(ledger, "gone")
    ledger.settle(done, ended(done, GOOD))
    found = claims(ledger, "c", "gone", "b", "nowhere", "a", "c")
    assert [type(one) for one in found] == [Claim, Done, Again, Done, Claim, Claim]
    assert [one.delivery.id for one in found if isinstance(one, Claim)] == ["c", "a", "c"]
    assert found[0] is found[5], "who is asked for twice is leased once"
    assert [one.event.body for one in (found[0], found[4])] == [b"{}", b"{}"]
    assert [len(ledger.attempts(id_)) for id_ in ("a", "b", "c")] == [1, 1, 1]


def test_the_one_whose_fence_is_stale_is_left_out_and_the_others_are_written(ledger):
    for id_ in ("a", "b", "c"):
        added(ledger, id_)
    mine = claims(ledger, "a", "b", "c")
    (other,) = claims(ledger, "b", at=LATER)
    assert isinstance(other, Claim)
    assert ledger.keep_wires([kept(ledger, one) for one in mine]) == [True, False, True]
    assert [ledger.wire(id_) for id_ in ("a", "b", "c")] == [b"bytes", None, b"bytes"]
    settled = ledger.settle_all([(one, ended(one, GOOD)) for one in mine])
    assert [one.recorded for one in settled] == [True, False, True]
    assert [ledger.delivery(id_).state for id_ in ("a", "b", "c")] == ["delivered", "sending", "delivered"]
    assert ledger.settle(other, ended(other, GOOD, LATER)).recorded


@given(st.lists(st.sampled_from(["good", "busy"]), min_size=1, max_size=6), st.booleans())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_failures_of_one_destination_count_alike_together_and_one_by_one(tmp_path_factory, ends, is_disabled):
    came = []
    for at_once in (True, False):
        ledger = opened(f"sqlite:///{tmp_path_factory.mktemp('store')}/livery.db", failures=2)
        ids = [f"d{number}" for number in range(len(ends))]
        for id_ in ids:
            added(ledger, id_)
        mine = claims(ledger, *ids)
        outcomes = {"good": GOOD, "busy": BUSY}
        done = [(one, ended(one, outcomes[end])) for one, end in zip(mine, ends, strict=True)]
        if is_disabled:
            done[-1] = (mine[-1], ended(mine[-1], BUSY, state=State.DEAD, disable="gone"))
        said = ledger.settle_all(done) if at_once else [ledger.settle(*one) for one in done]
        came.append((said, ledger.destinations(troubled=False)))
        ledger.close()
    assert came[0] == came[1]


def test_an_event_that_stands_twice_in_a_batch_or_came_before_is_a_duplicate_and_the_others_are_new(ledger):
    def event(id_, digest="-"):
        return NewEvent(("shop", "src", id_), "X", b"{}", digest, None)

    with ledger.transaction() as tx:
        first = ledger.add_events(tx, [event("a"), event("b")], now=START)
        again = ledger.add_events(tx, [event("c"), event("b"), event("c")], now=START)
    assert [known for _, known in [*first, *again]] == [False, False, False, True, True]
    assert (again[1][0], again[2][0]) == (first[1][0], again[0][0])
    with pytest.raises(EventConflict), ledger.transaction() as tx:
        ledger.add_events(tx, [event("d"), event("a", "another")], now=START)
    with ledger.transaction() as tx:
        assert ledger.add_events(tx, [event("d")], now=START)[0][1] is False, "nothing of the other batch was stored"


def test_no_rows_run_no_statement():
    assert Prepared(lambda _: None).run(None, []) == 0


def test_within_a_look_revisions_are_what_they_were_at_first_but_for_what_this_thread_moves(tmp_path):
    here, there = (opened(f"sqlite:///{tmp_path}/livery.db") for _ in range(2))

    def move(ledger):
        with ledger.transaction() as tx:
            ledger.revisions.move(tx, "things")

    move(there)
    with here.looking():
        assert here.revisions.get("things") == 1
        move(there)
        assert (here.revisions.get("things"), here.revisions.get("others")) == (1, 0)
        with here.looking():
            assert here.revisions.get("things") == 1
        move(here)
        assert here.revisions.get("things") == 3
    move(there)
    assert here.revisions.get("things") == 4
    here.close()
    there.close()
