"""Three levels, what they say, channels and schedules: what counts, and whose word it is."""

import pytest

from settings.saying import asked, in_force, layers, resolved

CASES = [
    # -------------------------------------------------------------- lists: nobody, then one level, then several
    ("cc", {}, "boss@default"),
    ("cc", {"platform": "add cc a"}, "boss@default a@platform"),
    ("cc", {"distri": "add cc a"}, "boss@default a@distri"),
    ("cc", {"shop": "add cc a"}, "boss@default a@shop"),
    ("cc", {"platform": "set cc a"}, "a@platform"),
    ("cc", {"distri": "set cc a,b"}, "a@distri b@distri"),
    ("cc", {"shop": "set cc -"}, ""),
    ("cc", {"platform": "remove cc boss"}, ""),
    ("cc", {"shop": "remove cc boss"}, ""),
    ("cc", {"shop": "remove cc nobody"}, "boss@default"),
    ("cc", {"platform": "add cc a", "shop": "remove cc a"}, "boss@default"),
    ("cc", {"distri": "add cc a", "shop": "add cc a"}, "boss@default a@distri"),
    ("cc", {"platform": "add cc a", "distri": "add cc b", "shop": "add cc c"}, "boss@default a@platform b@distri c@shop"),
    ("cc", {"platform": "set cc a", "shop": "add cc b"}, "a@platform b@shop"),
    ("cc", {"platform": "add cc a", "distri": "set cc b", "shop": "add cc c"}, "b@distri c@shop"),
    ("cc", {"platform": "add cc a", "shop": "set cc a"}, "a@shop"),
    ("cc", {"distri": "remove cc boss", "shop": "add cc boss"}, "boss@shop"),
    ("cc", {"shop": "set cc a; add cc b; remove cc a"}, "b@shop"),
    ("bcc", {"shop": "add bcc log", "distri": "set cc other"}, "log@shop"),
    ("cc", {"shop": "add bcc log", "distri": "set cc other"}, "other@distri"),
    ("to", {"distri": "set to role", "shop": "remove to role"}, ""),
    # -------------------------------------------------------------- event types and channels
    ("cc", {"shop": "add cc a of T"}, "boss@default a@shop"),
    ("cc", {"shop": "add cc a of Other"}, "boss@default"),
    ("cc", {"shop": "add cc a on smtp"}, "boss@default a@shop"),
    ("cc", {"shop": "add cc a on sms"}, "boss@default"),
    ("cc", {"shop": "add cc a of T on smtp"}, "boss@default a@shop"),
    ("cc", {"shop": "add cc a of T on sms"}, "boss@default"),
    ("cc", {"shop": "set cc a; set cc b of T"}, "b@shop"),
    ("cc", {"shop": "set cc b of T; set cc a"}, "b@shop"),
    ("cc", {"shop": "set cc a on smtp; set cc b of T"}, "b@shop"),
    ("cc", {"shop": "set cc a of T on smtp; set cc b of T"}, "a@shop"),
    ("cc", {"distri": "set cc a of T on smtp", "shop": "set cc b"}, "b@shop"),
    ("cc", {"platform": "add cc a of T", "distri": "remove cc a"}, "boss@default"),
    # -------------------------------------------------------------- one value
    ("enabled", {}, "on@default"),
    ("enabled", {"platform": "set enabled off"}, "off@platform"),
    ("enabled", {"platform": "set enabled off", "shop": "set enabled on"}, "on@shop"),
    ("enabled", {"distri": "set enabled off of T", "shop": "set enabled on of Other"}, "off@distri"),
    ("enabled", {"shop": "set enabled off on smtp"}, "off@shop"),
    ("enabled", {"shop": "set enabled off on slack"}, "on@default"),
    ("enabled", {"shop": "set enabled off; set enabled on on smtp"}, "on@shop"),
    ("pack", {"distri": "set pack north", "shop": "set pack mine of Other"}, "north@distri"),
    ("locale", {"platform": "set locale en", "distri": "set locale de", "shop": "set locale ar"}, "ar@shop"),
    ("sender.reply_to", {"distri": "set sender.reply_to a@b.example"}, "a@b.example@distri"),
    ("sender.name", {"distri": "set sender.name North"}, ""),
    ("sender.name", {"distri": "set sender.name North", "shop": "set sender.name Shop"}, "Shop@shop"),
    # -------------------------------------------------------------- locks
    ("cc", {"platform": "lock cc", "shop": "add cc a"}, "boss@default"),
    ("cc", {"distri": "set cc a; lock cc", "shop": "set cc b"}, "a@distri"),
    ("cc", {"distri": "lock cc; set cc a", "shop": "remove cc a"}, "a@distri"),
    ("cc", {"platform": "lock cc", "distri": "set cc a", "shop": "add cc b"}, "boss@default"),
    ("cc", {"shop": "lock cc; add cc a"}, "boss@default a@shop"),
    ("cc", {"platform": "lock cc of T", "shop": "add cc a"}, "boss@default"),
    ("cc", {"platform": "lock cc of Other", "shop": "add cc a"}, "boss@default a@shop"),
    ("cc", {"platform": "lock cc on smtp", "shop": "add cc a of T"}, "boss@default"),
    ("cc", {"platform": "lock cc on sms", "shop": "add cc a of T"}, "boss@default a@shop"),
    ("cc", {"platform": "lock bcc", "shop": "add cc a"}, "boss@default a@shop"),
    ("enabled", {"distri": "set enabled on; lock enabled", "shop": "set enabled off"}, "on@distri"),
    ("enabled", {"platform": "lock enabled", "shop": "set enabled off of T on smtp"}, "on@default"),
    ("pack", {"distri": "set pack north; lock pack", "shop": "set pack mine"}, "north@distri"),
    ("quiet", {"distri": "lock quiet", "shop": "add quiet night=n"}, ""),
    # -------------------------------------------------------------- schedules; now is day 0
    ("cc", {"shop": "add cc a from 1"}, "boss@default"),
    ("cc", {"shop": "add cc a from -1"}, "boss@default a@shop"),
    ("cc", {"shop": "add cc a from 0"}, "boss@default a@shop"),
    ("cc", {"shop": "add cc a until 0"}, "boss@default"),
    ("cc", {"shop": "add cc a until 1"}, "boss@default a@shop"),
    ("cc", {"shop": "add cc a from -2 until -1"}, "boss@default"),
    ("enabled", {"shop": "set enabled on; set enabled off from -1 until 1"}, "off@shop"),
    ("enabled", {"shop": "set enabled on; set enabled off from 1 until 2"}, "on@shop"),
    ("enabled", {"shop": "set enabled off from -3 until 3; set enabled on from -1 until 1"}, "on@shop"),
    ("cc", {"platform": "lock cc until -1", "shop": "add cc a"}, "boss@default a@shop"),
    ("cc", {"platform": "lock cc from -1", "shop": "add cc a"}, "boss@default"),
    ("cc", {"shop": "set cc a; set cc b of T from 1"}, "a@shop"),
    # -------------------------------------------------------------- livery.toml below the store, level by level
    ("cc", {"shop_file": "set cc a", "shop": "add cc b"}, "a@(livery.toml) b@shop"),
    ("cc", {"shop_file": "set cc a of T", "shop": "set cc b"}, "b@shop"),
    ("cc", {"shop_file": "add cc a", "shop": "remove cc a"}, "boss@default"),
    ("cc", {"distri": "set cc a", "shop_file": "set cc b"}, "b@(livery.toml)"),
    ("cc", {"distri_file": "lock cc", "shop": "add cc b"}, "boss@default"),
    ("cc", {"distri_file": "lock cc", "distri": "add cc a", "shop_file": "add cc b"}, "boss@default a@distri"),
    ("enabled", {"platform_file": "set enabled off", "platform": "set enabled on"}, "on@platform"),
    # -------------------------------------------------------------- periods: by name over the levels
    ("quiet", {"distri": "add quiet night=n"}, "night=n@distri"),
    ("quiet", {"distri": "add quiet night=n", "shop": "add quiet noon=m"}, "night=n@distri noon=m@shop"),
    ("quiet", {"distri": "add quiet night=n", "shop": "add quiet night=m"}, "night=m@shop"),
    ("quiet", {"distri": "add quiet night=n", "shop": "remove quiet night"}, ""),
    ("quiet", {"distri": "add quiet night=n", "shop": "set quiet noon=m"}, "noon=m@shop"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "levels", "expected"), CASES)
def test_what_counts(field, levels, expected):
    assert in_force(resolved(layers(**levels)), field) == expected


DESTINATIONS = [
    ({"platform": "add destinations a=1 on hook"}, "a=1@platform", "a=1@platform"),
    (
        {"platform": "add destinations a=1 on hook", "shop": "add destinations b=2 on hook"},
        "a=1@platform b=2@shop",
        "b=2@shop",
    ),
    (
        {
            "distri": "add destinations a=1 on hook; add destinations b=2 on hook",
            "shop": "add destinations a=3 on hook",
        },
        "a=1@distri b=2@distri a=3@shop",
        "a=3@shop",
    ),
    ({"distri": "add destinations a=1 on hook", "shop": "remove destinations a on hook"}, "a=1@distri", "a=1@distri"),
    ({"distri": "add destinations a=1 on hook", "shop": "set destinations - on hook"}, "a=1@distri", "a=1@distri"),
    ({"shop_file": "add destinations 1=x on hook", "shop": "remove destinations 1 on hook"}, "", ""),
    ({"shop_file": "add destinations 1=x on hook", "shop": "add destinations 1=y on hook"}, "1=y@shop", "1=y@shop"),
    (
        {"shop_file": "add destinations 1=x on hook", "shop": "add destinations erp=y on hook"},
        "1=x@(livery.toml) erp=y@shop",
        "1=x@(livery.toml) erp=y@shop",
    ),
    ({"shop": "add destinations a=1 on other"}, "", ""),
    ({"shop": "add destinations a=1 of T on hook"}, "a=1@shop", "a=1@shop"),
    ({"shop": "add destinations a=1 of Other on hook"}, "", ""),
    (
        {"distri": "add destinations a=1 on hook; lock destinations on hook", "shop": "add destinations b=2 on hook"},
        "a=1@distri",
        "a=1@distri",
    ),
    (
        {"distri": "add destinations a=1 on hook", "shop": "add destinations b=2 on hook from 1"},
        "a=1@distri",
        "a=1@distri",
    ),
]


@pytest.mark.parametrize(("levels", "cumulative", "nearest"), DESTINATIONS)
def test_where_a_channel_delivers_to(levels, cumulative, nearest):
    found = layers(**levels)
    adds_up, replaces = asked("hook", cumulative=True), asked("hook")
    assert in_force(resolved(found, adds_up), "destinations") == cumulative
    assert in_force(resolved(found, replaces), "destinations") == nearest


REASONS = [
    ({"distri": "set cc a"}, {"boss": "replaced by the list of distributor distri"}),
    ({"shop": "remove cc boss"}, {"boss": "removed by seller shop"}),
    ({"shop_file": "remove cc boss"}, {"boss": "removed by seller shop (livery.toml)"}),
    ({"shop": "remove cc boss", "shop_file": "add cc boss"}, {"boss": "removed by seller shop"}),
    ({"distri": "remove cc boss", "shop": "add cc boss"}, {}),
    ({"distri": "lock cc", "shop": "add cc a"}, {"a": "add has no effect: locked by distributor distri"}),
    (
        {"distri": "lock cc", "shop": "set cc a,b"},
        dict.fromkeys("ab", "set has no effect: locked by distributor distri"),
    ),
    ({"shop": "add cc a from 1"}, {}),
]


@pytest.mark.parametrize(("levels", "expected"), REASONS)
def test_what_is_left_out_has_a_reason(levels, expected):
    answer = resolved(layers(**levels))["cc"]
    assert {one.key: one.reason for one in answer.left_out} == expected


def test_a_lock_is_shown_although_nobody_runs_into_it():
    answer = resolved(layers(distri="lock cc"))["cc"]
    assert (answer.lock.origin, answer.lock.tenant) == ("distributor distri", "distri")
    assert resolved(layers(distri="lock cc of Other"))["cc"].lock is None


def test_of_two_locks_the_upper_one_is_named():
    assert resolved(layers(platform="lock cc", distri="lock cc"))["cc"].lock.tenant == "platform"


def test_an_answer_is_good_until_the_next_schedule_begins_or_ends():
    found = layers(shop="add cc a from -2 until 3; add cc b from 1; add bcc c until -5; add cc x of Other from 2")
    now = resolved(found)
    assert [now.is_valid(resolved(found, on=day).since) for day in (-2, 1, 3)] == [True, False, False]
    assert in_force(resolved(found, on=1), "cc") == "boss@default a@shop b@shop"
    assert in_force(resolved(found, on=3), "cc") == "boss@default b@shop"
