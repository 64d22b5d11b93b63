"""Writers side by side, each with connections of its own, as many workers and accepting processes are."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import text

from livery.clerk import Clerk
from livery.errors import EventConflict, StoreError
from livery.models.delivery import State
from livery.ports import Again, Claim, NewEvent
from store.ledgers import BUSY, GOOD, START, added, claimed, ended, opened

WRITERS = 6


@pytest.fixture
def ledgers(store_url):
    made = [opened(store_url) for _ in range(WRITERS)]
    yield made
    for one in made:
        one.close()


def at_once(ledgers, do):
    """What each of them comes to, all begun together."""
    with ThreadPoolExecutor(len(ledgers)) as pool:
        return list(pool.map(do, ledgers, range(len(ledgers))))


def events(numbers, body=b"{}"):
    return [NewEvent(("shop", "src", f"e{number}"), "X", body, str(body), None) for number in numbers]


def test_of_all_who_want_a_delivery_one_has_it(ledgers):
    ids = [f"d{number}" for number in range(12)]
    for id_ in ids:
        added(ledgers[0], id_)
    found = at_once(ledgers, lambda ledger, number: [claimed(ledger, id_, worker=f"w{number}") for id_ in ids])
    for answers in zip(*found, strict=True):
        assert sorted(type(one).__name__ for one in answers) == ["Again"] * (WRITERS - 1) + ["Claim"]
    assert [len(ledgers[0].attempts(id_)) for id_ in ids] == [1] * len(ids)


def test_the_same_events_in_any_order_are_stored_once_and_nobody_waits_in_a_circle(ledgers):
    numbers, begin = [*range(1500)], Barrier(WRITERS)

    def accept(ledger, number):
        turned = numbers[number * 250 :] + numbers[: number * 250]
        mine = events(turned if number % 2 else turned[::-1])
        begin.wait()
        with ledger.transaction() as tx:
            answers = ledger.add_events(tx, mine, now=START)
        return {one.key[2]: answer for one, answer in zip(mine, answers, strict=True)}

    found = at_once(ledgers, accept)
    for name in found[0]:
        assert len({one[name][0] for one in found}) == 1
        assert sorted(one[name][1] for one in found) == [False] + [True] * (WRITERS - 1)


def test_an_event_that_comes_again_with_another_body_is_refused(ledgers):
    with ledgers[0].transaction() as tx:
        ledgers[0].add_events(tx, events([1]), now=START)
    with pytest.raises(EventConflict), ledgers[1].transaction() as tx:
        ledgers[1].add_events(tx, events([0, 1], b'{"other": 1}'), now=START)
    with ledgers[1].transaction() as tx:
        assert [known for _, known in ledgers[1].add_events(tx, events([0]), now=START)] == [False]


def test_first_failures_that_come_together_are_all_counted(ledgers):
    claims = []
    for number in range(WRITERS):
        added(ledgers[0], f"d{number}")
        claims.append(claimed(ledgers[0], f"d{number}"))
    ends = at_once(ledgers, lambda ledger, number: ledger.settle(claims[number], ended(claims[number], BUSY)))
    assert all(one.recorded for one in ends)
    assert sum(one.paused_until is not None for one in ends) == 1
    (one,) = ledgers[0].destinations()
    assert one.failures == 5, "the sixth found it paused"


def test_of_all_who_find_a_pause_over_one_is_the_probe(ledgers):
    for number in range(5 + WRITERS):
        added(ledgers[0], f"d{number}")
    for number in range(5):
        claim = claimed(ledgers[0], f"d{number}")
        settled = ledgers[0].settle(claim, ended(claim, BUSY))
    later = settled.paused_until + timedelta(seconds=1)
    found = at_once(ledgers, lambda ledger, number: claimed(ledger, f"d{5 + number}", later))
    (probe,) = (one for one in found if isinstance(one, Claim))
    assert sum(isinstance(one, Again) for one in found) == WRITERS - 1
    assert ledgers[0].settle(probe, ended(probe, GOOD, later)).resumed


def test_many_at_once_in_one_transaction_do_not_shut_each_other_out(ledgers):
    """As the thread for the store does it: claims and ends of many deliveries to few destinations, in any order."""
    ids = [f"d{number}" for number in range(30)]
    for number, id_ in enumerate(ids):
        added(ledgers[0], id_, endpoint=f"hook{number % 3}")

    def work(ledger, number):
        mine = ids[number::WRITERS]
        with ledger.together():
            claims = [claimed(ledger, id_) for id_ in mine]
        with ledger.together():
            return [ledger.settle(one, ended(one, GOOD)) for one in claims]

    assert all(one.recorded for ends in at_once(ledgers, work) for one in ends)
    assert {ledgers[0].delivery(id_).state for id_ in ids} == {State.DELIVERED}


@pytest.mark.parametrize(("apart", "state"), [(True, State.DELIVERED), (False, State.SENDING)])
def test_what_fails_among_others_takes_itself_back_or_all_of_it(ledgers, apart, state):
    ledger = ledgers[0]
    for id_ in ("mine", "lost"):
        added(ledger, id_)
    mine, lost = claimed(ledger, "mine"), claimed(ledger, "lost")
    assert ledger.settle(lost, ended(lost, BUSY)).recorded
    with nullcontext() if apart else pytest.raises(StoreError), ledger.together(apart=apart):
        assert ledger.settle(mine, ended(mine, GOOD)).recorded
        assert not ledger.settle(lost, ended(lost, GOOD)).recorded
    assert (ledger.delivery("mine").state, ledger.delivery("lost").state) == (state, State.RETRYING)


async def test_a_disk_that_is_full_amid_what_is_written_together_leaves_nothing_written_twice(tmp_path):
    """SQLite ends the transaction by itself then; what comes after it in the same turn must not stand by itself."""
    ledger = opened(f"sqlite:///{tmp_path}/livery.db")
    added(ledger, "mine")
    mine = claimed(ledger, "mine")
    with ledger.transaction() as tx:
        tx.execute(text("CREATE TABLE large (value BLOB)"))
        pages = tx.execute(text("PRAGMA page_count")).scalar()
        tx.execute(text(f"PRAGMA max_page_count = {pages + 4}"))

    def fill():
        with ledger.transaction() as tx:
            tx.execute(text("INSERT INTO large VALUES (zeroblob(1000000))"))

    clerk = Clerk(ledger.together)
    asked = clerk.do(fill), clerk.do_alike(ledger.settle_all, (mine, ended(mine, GOOD)))
    _, settled = await asyncio.gather(*asked)  # the next connection has no such limit
    clerk.close()
    assert settled.recorded
    assert ledger.delivery("mine").state is State.DELIVERED
    assert len(ledger.attempts("mine")) == 1
    ledger.close()


def test_one_group_within_another_is_a_part_of_it(ledgers):
    ledger = ledgers[0]
    for id_ in ("one", "two", "three"):
        added(ledger, id_)
    claims = [claimed(ledger, id_) for id_ in ("one", "two", "three")]

    def settle(claim):
        assert ledger.settle(claim, ended(claim, GOOD)).recorded

    with suppress(ZeroDivisionError), ledger.together():
        settle(claims[0])
        with ledger.together():
            settle(claims[1])
        settle(claims[2])
        raise ZeroDivisionError
    assert {ledger.delivery(one.delivery.id).state for one in claims} == {State.SENDING}
