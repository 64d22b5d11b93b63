"""The contract suite itself: a good channel passes all of it, and each fault is caught by the test that is for it."""

import asyncio
import json
import logging
import subprocess
import sys
from dataclasses import replace
from unittest import SkipTest
from uuid import uuid4

import pytest
from pydantic import SecretStr

from livery.plugin import Channel, ChannelType, Format, Limits, Model, Outcome, Reason, outcome_of
from livery.testing import Arrival, ChannelContract, HttpFarSide

LOG = logging.getLogger("pager")


class PagerDestination(Model):
    url: SecretStr
    token: SecretStr


class Pager(Channel):
    Destination = PagerDestination

    @classmethod
    def label(cls, destination):
        return "the pager"

    def encode(self, message, envelope):
        return message.text.encode()

    def headers(self, dispatch):
        token = dispatch.destination.token.get_secret_value()
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": dispatch.envelope.delivery_id}

    async def post(self, dispatch, wire=None):
        url = dispatch.destination.url.get_secret_value()
        return await self.outbound.post(url, wire or dispatch.wire, self.headers(dispatch))

    async def send(self, dispatch):
        return outcome_of(await self.post(dispatch))


class Letters(Pager):
    """Writes to persons: the receiver takes a letter with its addresses."""

    def encode(self, message, envelope):
        shown = {"to": [one.address for one in envelope.to], "cc": [one.address for one in envelope.cc]}
        return json.dumps({"text": message.text, "reply_to": envelope.reply_to, **shown}).encode()

    def written_to(self, dispatch):
        return [one for one in dispatch.envelope.addresses if one not in dispatch.settled]

    async def post(self, dispatch, wire=None):
        headers = {"X-Addresses": ",".join(self.written_to(dispatch)), "Idempotency-Key": dispatch.envelope.delivery_id}
        return await self.outbound.post(self.settings.url.get_secret_value(), dispatch.wire, headers)

    class Settings(Model):
        url: SecretStr


PAGER = ChannelType("pager", "Pages.", Format.TEXT, lambda: Pager, limits=Limits(total=5000))
LETTERS = ChannelType("letters", "Writes.", Format.TEXT, lambda: Letters, addressing="persons")


class TestAGoodChannelToEndpoints(ChannelContract):
    kind = PAGER

    def far_side(self):
        return HttpFarSide(identity="Idempotency-Key")

    def destination(self, far):
        return {"url": far.url("/pages/canary-51c3e9"), "token": "canary-tok-7a90b2"}


class LettersSide(HttpFarSide):
    def arrival(self, request):
        letter, headers = json.loads(request.body), dict(request.headers)
        return Arrival(
            request.body,
            letter["text"],
            identity=headers["Idempotency-Key"],
            addresses=tuple(headers["X-Addresses"].split(",")),
            reply_to=letter["reply_to"],
        )


class TestAGoodChannelToPersons(ChannelContract):
    kind = LETTERS

    def far_side(self):
        return LettersSide()

    def settings(self, far):
        return {"url": far.url("/letters/canary-88d1f0")}


def outcome_with(**changes):
    """A `send` whose outcome is right but for `changes`, which may depend on the answer."""

    async def send(self, dispatch):
        answer = await self.post(dispatch)
        made = {name: value(answer) if callable(value) else value for name, value in changes.items()}
        right = outcome_of(answer).model_dump()
        return Outcome.model_validate({**right, **{name: value for name, value in made.items() if value is not ...}})

    return send


def when(condition, value):
    """`value` for answers of a status, else what is right."""
    return lambda answer: value if answer.status in condition else ...


async def sends_twice(self, dispatch):
    await self.post(dispatch)
    return await Pager.send(self, dispatch)


async def one_at_a_time(self, dispatch):
    if getattr(self, "busy", False):
        return Outcome(status="retry", reason=Reason.CHANNEL_FAILED)
    self.busy = True
    return await Pager.send(self, dispatch)


async def raises(self, dispatch):
    answer = await self.post(dispatch)
    if answer.status is None:
        raise ConnectionError
    return outcome_of(answer)


async def logs_its_token(self, dispatch):
    LOG.debug("sending with %s", dispatch.destination.token.get_secret_value())
    return await Pager.send(self, dispatch)


async def shields_its_post(self, dispatch):
    async def for_ever():
        await self.post(dispatch)
        await asyncio.sleep(60)

    self.stray = asyncio.create_task(for_ever())
    await asyncio.shield(self.stray)
    return Outcome(status="accepted")


async def closes_once(self):
    if getattr(self, "closed", False):
        raise RuntimeError
    self.closed = True


class OpenDestination(Model):
    url: SecretStr
    token: str


class LaxDestination(Model):
    url: SecretStr
    token: SecretStr
    second_token: SecretStr | None = None


FAULTS = {
    "another id in each encoding": (
        PAGER,
        {"encode": lambda self, message, envelope: f"{message.text}{uuid4()}".encode()},
        "test_encoding_is_deterministic",
    ),
    "no limit kept": (
        PAGER,
        {"encode": lambda self, message, envelope: message.text.encode() * 2},
        "test_a_huge_notification_keeps_the_limits_and_is_taken",
    ),
    "sends twice": (PAGER, {"send": sends_twice}, "test_what_was_sent_arrived_once"),
    "only ASCII": (
        PAGER,
        {"encode": lambda self, message, envelope: message.text.encode("ascii", "replace")},
        "test_every_alphabet_and_direction_arrives_as_it_was_written",
    ),
    "sends images and does not say so": (
        PAGER,
        {"encode": lambda self, message, envelope: message.text.encode() + b"".join(i.data for i in message.inline)},
        "test_images_inside_it_arrive_or_are_ignored_as_the_channel_says",
    ),
    "says it sends images and forgets them": (
        replace(PAGER, inline_images=True),
        {},
        "test_images_inside_it_arrive_or_are_ignored_as_the_channel_says",
    ),
    "another identity each time": (
        PAGER,
        {"headers": lambda self, dispatch: {"Idempotency-Key": str(uuid4())}},
        "test_every_attempt_carries_the_same_identity",
    ),
    "one identity for all": (
        PAGER,
        {"headers": lambda self, dispatch: {"Idempotency-Key": "livery"}},
        "test_every_attempt_carries_the_same_identity",
    ),
    "no identity": (
        PAGER,
        {"headers": lambda self, dispatch: {}},
        "test_every_attempt_carries_the_same_identity",
    ),
    "one at a time": (PAGER, {"send": one_at_a_time}, "test_one_instance_sends_many_at_the_same_time"),
    "forgets blind copies": (
        LETTERS,
        {"written_to": lambda self, dispatch: [one.address for one in dispatch.envelope.to]},
        "test_every_person_is_written_to_exactly_once",
    ),
    "writes twice to each": (
        LETTERS,
        {"written_to": lambda self, dispatch: [*dispatch.envelope.addresses, *dispatch.envelope.addresses]},
        "test_every_person_is_written_to_exactly_once",
    ),
    "shows blind copies": (
        LETTERS,
        {
            "encode": lambda self, message, envelope: json.dumps(
                {"text": message.text, "reply_to": "", "all": envelope.addresses}
            ).encode()
        },
        "test_nobody_sees_who_got_a_blind_copy",
    ),
    "shows the names of blind copies": (
        LETTERS,
        {
            "encode": lambda self, message, envelope: json.dumps(
                {"text": message.text, "reply_to": "", "all": [one.name for one in envelope.bcc]}
            ).encode()
        },
        "test_nobody_sees_who_got_a_blind_copy",
    ),
    "writes to who is settled": (
        LETTERS,
        {"written_to": lambda self, dispatch: dispatch.envelope.addresses},
        "test_who_was_answered_for_good_is_not_written_to_again",
    ),
    "no reply-to": (
        LETTERS,
        {"encode": lambda self, message, envelope: json.dumps({"text": message.text, "reply_to": ""}).encode()},
        "test_answers_go_to_reply_to",
    ),
    "gives up when throttled": (
        PAGER,
        {"send": outcome_with(status=when([429], "failed"))},
        "test_a_throttled_send_is_tried_again",
    ),
    "no word for throttling": (
        PAGER,
        {"send": outcome_with(reason=when([429], Reason.SERVER_ERROR))},
        "test_throttling_is_named",
    ),
    "forgets Retry-After": (
        PAGER,
        {"send": outcome_with(retry_after=None)},
        "test_the_wait_that_was_asked_for_is_kept",
    ),
    "gives up on a fault": (
        PAGER,
        {"send": outcome_with(status=when([500], "failed"))},
        "test_a_fault_of_the_far_side_is_tried_again",
    ),
    "a fault without a reason": (
        PAGER,
        {"send": outcome_with(reason=None)},
        "test_a_fault_of_the_far_side_is_tried_again",
    ),
    "believes a refusal": (
        PAGER,
        {"send": outcome_with(status="delivered")},
        "test_a_refused_send_is_not_delivered",
    ),
    "never gives up": (
        PAGER,
        {"send": outcome_with(status=when([400], "retry"))},
        "test_a_refusal_is_final_and_has_a_reason",
    ),
    **{
        f"believes {what}": (PAGER, {"send": outcome_with(status=when([None], "delivered"))}, test)
        for what, test in {
            "nonsense": "test_an_answer_that_makes_no_sense_is_no_delivery",
            "a broken connection": "test_a_connection_that_broke_before_the_answer_is_no_delivery",
            "silence": "test_silence_is_no_delivery",
            "a reset": "test_a_connection_that_was_reset_is_no_delivery",
            "a drip": "test_an_answer_that_drips_for_ever_is_no_delivery",
            "nobody": "test_an_unreachable_far_side_is_tried_again",
        }.items()
    },
    "raises": (PAGER, {"send": raises}, "test_an_unreachable_far_side_is_tried_again"),
    "no word for unreachable": (
        PAGER,
        {"send": outcome_with(reason=Reason.CHANNEL_FAILED)},
        "test_an_unreachable_far_side_is_named",
    ),
    "shows the URL in the detail": (
        PAGER,
        {"send": outcome_with(detail="POST /pages/canary-51c3e9")},
        "test_no_secret_is_in_an_outcome_a_label_a_repr_or_the_log",
    ),
    "shows the URL when nobody is there": (
        PAGER,
        {"send": outcome_with(detail=when([None], "no connection to /pages/canary-51c3e9"))},
        "test_no_secret_is_in_an_outcome_a_label_a_repr_or_the_log",
    ),
    "logs its token": (
        PAGER,
        {"send": logs_its_token},
        "test_no_secret_is_in_an_outcome_a_label_a_repr_or_the_log",
    ),
    "shows the URL in the label": (
        PAGER,
        {"label": classmethod(lambda cls, destination: destination.url.get_secret_value())},
        "test_no_secret_is_in_an_outcome_a_label_a_repr_or_the_log",
    ),
    "an open secret": (
        PAGER,
        {"Destination": OpenDestination},
        "test_every_secret_has_a_type_that_hides_it_and_is_filled_in_here",
    ),
    "an empty secret": (
        PAGER,
        {"Destination": LaxDestination},
        "test_every_secret_has_a_type_that_hides_it_and_is_filled_in_here",
    ),
    "no label": (
        PAGER,
        {"label": classmethod(lambda cls, destination: " ")},
        "test_a_destination_has_a_label_people_can_read",
    ),
    "a label of two lines": (
        PAGER,
        {"label": classmethod(lambda cls, destination: "the\npager")},
        "test_a_destination_has_a_label_people_can_read",
    ),
    "leaves a task behind when it is stopped": (
        PAGER,
        {"send": shields_its_post},
        "test_a_send_that_is_stopped_ends_and_leaves_nothing_behind",
    ),
    "closes once": (PAGER, {"aclose": closes_once}, "test_closing_twice_and_closing_unused_do_no_harm"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_by_the_test_that_is_for_it(fault):
    kind, parts, test = FAULTS[fault]
    broken = type("Broken", (kind.load(),), parts)
    good = TestAGoodChannelToEndpoints if kind.addressing == "endpoint" else TestAGoodChannelToPersons
    suite = type("Suite", (good,), {"kind": replace(kind, load=lambda: broken)})
    with pytest.raises((AssertionError, ConnectionError, RuntimeError)):
        getattr(suite(), test)()


def test_every_test_of_the_suite_has_a_fault_it_catches():
    of_the_suite = {name for name in dir(ChannelContract) if name.startswith("test_")}
    assert of_the_suite == {test for _, _, test in FAULTS.values()}


def test_what_is_excused_is_skipped_with_its_reason():
    excused = {"test_throttling_is_named": "pagers know no rates"}
    suite = type("Suite", (TestAGoodChannelToEndpoints,), {"excused": excused})
    with pytest.raises(SkipTest, match="pagers know no rates"):
        suite().test_throttling_is_named()


@pytest.mark.parametrize(
    "excused",
    [
        {"test_no_secret_is_in_an_outcome_a_label_a_repr_or_the_log": "we trust our log"},
        {"test_silence_is_no_delivery": "it always answers"},
        {"test_throtling_is_named": "a typing error"},
        {"test_throttling_is_named": " "},
    ],
)
def test_safety_a_misspelt_name_and_no_reason_are_not_excused(excused):
    with pytest.raises(TypeError, match="cannot be excused"):
        type("Suite", (TestAGoodChannelToEndpoints,), {"excused": excused})


def test_a_suite_without_a_far_side_says_what_to_write():
    with pytest.raises(NotImplementedError, match=r"Suite\.far_side"):
        type("Suite", (ChannelContract,), {"kind": PAGER})().test_encoding_is_deterministic()


def test_livery_testing_needs_no_pytest():
    code = "import sys; sys.modules['pytest'] = None; import livery.testing; livery.testing.ChannelContract"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
