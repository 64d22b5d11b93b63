"""The contract every channel keeps, as a suite an integrator's test class inherits.

```python
from livery.testing import ChannelContract, HttpFarSide

from livery_pager import livery_register_channels


class TestPager(ChannelContract):
    kind = livery_register_channels()[0]

    def far_side(self):
        return HttpFarSide(identity="Idempotency-Key")

    def destination(self, far):
        return {"url": far.url("/pages/4f1c9e07d2b8"), "token": "tok-9d41c0ffee55"}
```

That is all: `pytest` then runs more than twenty tests, each against a far side that answers well, badly or not at
all. A channel that speaks something else than HTTP brings a `FarSide` of its own. To fill in:

| what | when |
|---|---|
| `kind` | always: the `ChannelType` your plugin registers |
| `far_side()` | always: a new `FarSide`; `HttpFarSide` plays any service that is POSTed to |
| `settings(far)` | if the operator has settings: what stands in `[channels.<name>]` to reach `far` |
| `destination(far)` | if `addressing` is `endpoint`: what stands in `[[tenants.<id>.channels.<name>]]` to reach `far` |
| `check_limits(wire)` | if the far side has limits `Limits` cannot express: assert that the bytes keep them |
| `elsewhere` | if some secrets exclude each other: those that a second contract class of yours fills in |
| `excused` | if the far side or a library beneath you cannot do what a test asks: the test's name and why |

Says `kind` that the channel sends `inline_images`, then your far side tells in `Arrival.images` which came.

Fill every secret (`SecretStr`) in settings and destination with a long value that stands nowhere else: the suite
looks for them in every outcome, label, repr and log record. What an `excused` test asks is a service to people, not
a safety: the rest cannot be excused. An excused test is reported as skipped with your reason.

It needs no pytest plugin, and this module not even pytest. Each test runs an event loop of its own.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from unittest import SkipTest

from livery.channel import Channel, ChannelType, Dispatch
from livery.models.delivery import Outcome
from livery.models.message import Envelope, Format, Message
from livery.outbound import Outbound, OutboundPolicy
from livery.testing import specimens
from livery.testing.answers import GOOD, Answers
from livery.testing.far_side import FarSide, Says
from livery.testing.secrets import Overheard, pieces, sounding_secret, unfilled

_IMPATIENCE = 1.5
_SEVERAL = 8
_OF_PERSONS = (
    "test_every_person_is_written_to_exactly_once",
    "test_nobody_sees_who_got_a_blind_copy",
    "test_who_was_answered_for_good_is_not_written_to_again",
    "test_answers_go_to_reply_to",
)
_OF_ENDPOINTS = ("test_a_destination_has_a_label_people_can_read",)
_ANOTHER = "dlv_0000contract00000000000002"


class ChannelContract(Answers):
    """Inherit it in a test class of your own; the module's docstring says how."""

    kind: ClassVar[ChannelType]
    excused: ClassVar[Mapping[str, str]] = {}
    """Names of tests the channel cannot pass, and why: one sentence that users of the channel may read."""
    elsewhere: ClassVar[frozenset[str]] = frozenset()
    """Secret fields that cannot go together with those filled in here: another contract of the channel fills them."""
    excusable: ClassVar[frozenset[str]] = frozenset(
        {
            "test_every_attempt_carries_the_same_identity",
            "test_answers_go_to_reply_to",
            "test_throttling_is_named",
            "test_the_wait_that_was_asked_for_is_kept",
            "test_a_refusal_is_final_and_has_a_reason",
            "test_an_unreachable_far_side_is_named",
        }
    )

    def __init_subclass__(cls, **options: Any) -> None:
        """Turn what is excused into tests that skip with the reason, and leave out what is not asked of this kind."""
        super().__init_subclass__(**options)
        if getattr(cls, "kind", None) is not None:
            for name in _OF_ENDPOINTS if cls.kind.addressing == "persons" else _OF_PERSONS:
                setattr(cls, name, None)
        for name, why in cls.excused.items():
            if name not in cls.excusable or not why.strip():
                raise TypeError(f"{cls.__name__}.excused: {name!r} cannot be excused, or there is no reason")
            setattr(cls, name, _skipping(why))

    # ------------------------------------------------------------------ to fill in

    def far_side(self) -> FarSide:
        """A far side for one test, not yet entered."""
        raise NotImplementedError(f"{type(self).__name__}.far_side() returns the far side to test against")

    def settings(self, far: Any) -> dict[str, Any]:
        """The operator's settings with which the channel reaches `far`."""
        del far
        return {}

    def destination(self, far: Any) -> dict[str, Any] | None:
        """The tenant's destination at `far`; None for a channel that writes to persons."""
        del far
        return None

    def check_limits(self, wire: bytes) -> None:
        """Assert that the encoded bytes keep limits of the far side that `kind.limits` does not name."""

    # ------------------------------------------------------------------ encode

    def test_encoding_is_deterministic(self) -> None:
        with self._far() as far:
            first, second = self.make(far), self.make(far)
            wires = {one.encode(self._message(), self._envelope()) for one in (first, first, second)}
        assert len(wires) == 1, "encode() gave different bytes for the same arguments"
        assert wires != {b""}, "encode() gave no bytes"

    def test_a_huge_notification_keeps_the_limits_and_is_taken(self) -> None:
        with self._far() as far:
            wire = self.make(far).encode(self._message(huge=True), self._envelope())
            total, text = self.kind.limits.total, wire.decode("utf-8", "replace")
            size = len(wire) if self.kind.format is Format.ADAPTIVE_CARD else len(text)
            assert not total or size <= total, f"{size} is more than limits.total, {total}"
            self.check_limits(wire)
            outcome = self.send(far, wire=wire)
        assert outcome.status in GOOD, outcome

    # ------------------------------------------------------------------ what arrives

    def test_what_was_sent_arrived_once(self) -> None:
        with self._far() as far:
            outcome = self.send(far)
            assert outcome.status in GOOD, outcome
            assert len(far.arrivals) == 1 or (self._to_persons and far.arrivals), far.arrivals

    def test_every_alphabet_and_direction_arrives_as_it_was_written(self) -> None:
        with self._far() as far:
            self.send(far)
            texts = [arrival.text for arrival in far.arrivals]
        assert texts, "nothing arrived"
        assert all(phrase in text for phrase in specimens.PHRASES for text in texts), texts

    def test_images_inside_it_arrive_or_are_ignored_as_the_channel_says(self) -> None:
        pictured = specimens.pictured(self.kind)
        with self._far() as far:
            wire = self.make(far).encode(pictured, self._envelope())
            if not self.kind.inline_images:
                bare = self.make(far).encode(pictured.model_copy(update={"inline": ()}), self._envelope())
                assert wire == bare, "encode() looks at message.inline, but ChannelType does not say inline_images"
                return
            outcome = self.send(far, wire=wire)
            assert outcome.status in GOOD, outcome
            [arrival] = far.arrivals
        sent = {image.cid: image.data for image in specimens.IMAGES}
        assert dict(arrival.images) == sent, f"of these images {[*sent]}, these arrived: {[*arrival.images]}"

    def test_every_attempt_carries_the_same_identity(self) -> None:
        with self._far() as far:
            for attempt, delivery in ((1, None), (2, None), (1, _ANOTHER)):
                self.send(far, attempt=attempt, envelope=self._envelope(delivery))
            first, second, another = (arrival.identity for arrival in far.arrivals)
        assert first, "nothing tells the far side which delivery it is"
        assert first == second, f"the identity changed from one attempt to the next: {first!r}, {second!r}"
        assert first != another, f"two deliveries have one identity: {first!r}"

    def test_one_instance_sends_many_at_the_same_time(self) -> None:
        with self._far() as far:
            outcomes = asyncio.run(self._send(far, [self._dispatch(far) for _ in range(_SEVERAL)]))
            assert [one.status in GOOD for one in outcomes] == [True] * _SEVERAL, outcomes
            assert len(far.arrivals) == _SEVERAL or (self._to_persons and not len(far.arrivals) % _SEVERAL)

    # ------------------------------------------------------------------ persons

    def test_every_person_is_written_to_exactly_once(self) -> None:
        envelope = self._envelope()
        with self._far() as far:
            self.send(far)
            reached = Counter(address for arrival in far.arrivals for address in arrival.addresses)
        assert reached == dict.fromkeys(envelope.addresses, 1), reached

    def test_nobody_sees_who_got_a_blind_copy(self) -> None:
        envelope = self._envelope()
        hidden = {one.address: (one.address, one.name.partition(",")[0]) for one in envelope.bcc}
        with self._far() as far:
            self.send(far)
            # Who gets a message of their own may stand in it.
            others = [[one for one in hidden if (one,) != tuple(arrival.addresses)] for arrival in far.arrivals]
            contents = [arrival.content.lower() + arrival.text.encode().lower() for arrival in far.arrivals]
        assert contents, "nothing arrived"
        seen = [
            text
            for content, addresses in zip(contents, others, strict=True)
            for address in addresses
            for text in hidden[address]
            if text.encode().lower() in content
        ]
        assert not seen, "a Bcc address can be seen"

    def test_who_was_answered_for_good_is_not_written_to_again(self) -> None:
        envelope = self._envelope()
        done = {envelope.to[0].address: "accepted", envelope.cc[0].address: "failed"}
        with self._far() as far:
            self.send(far, attempt=2, settled=done)
            reached = Counter(address for arrival in far.arrivals for address in arrival.addresses)
        assert reached == {one: 1 for one in envelope.addresses if one not in done}, reached

    def test_answers_go_to_reply_to(self) -> None:
        with self._far() as far:
            self.send(far)
            assert {arrival.reply_to for arrival in far.arrivals} == {specimens.REPLY_TO}

    # ------------------------------------------------------------------ secrets

    def test_no_secret_is_in_an_outcome_a_label_a_repr_or_the_log(self) -> None:
        for says in sorted(self.far_side().vocabulary):
            with Overheard(self.far_side().loggers) as heard, self._far(says) as far:
                channel, dispatch = self.make(far), self._dispatch(far)
                told = [
                    self.kind.load().label(dispatch.destination) if dispatch.destination is not None else "",
                    repr((channel, channel.settings, dispatch.destination, dispatch)),
                    dispatch.wire.decode("utf-8", "replace"),
                ]
                for secret in pieces(channel.settings, dispatch.destination):
                    assert not any(secret in text for text in told), "a secret is in a label, a repr or the message"
                outcome = self.send(far)
                told = [outcome.model_dump_json(), repr(outcome), *heard.texts]
                for secret in pieces(channel.settings, dispatch.destination):
                    assert not any(secret in text for text in told), f"a secret came out when the far side was {says}"
        with Overheard(self.far_side().loggers) as heard:
            outcome, secrets = self._unreachable()
            told = [outcome.model_dump_json(), repr(outcome), *heard.texts]
            assert not any(secret in text for secret in secrets for text in told), "a secret came out with nobody there"

    def test_every_secret_has_a_type_that_hides_it_and_is_filled_in_here(self) -> None:
        with self._far() as far:
            channel, destination = self.make(far), self._destination(far)
        for model in (channel.settings, destination):
            assert not sounding_secret(model), f"make these SecretStr: {sounding_secret(model)}"
            left_out = [name for name in unfilled(model) if name not in self.elsewhere]
            assert not left_out, f"settings() or destination() leaves out: {left_out}"

    def test_a_destination_has_a_label_people_can_read(self) -> None:
        with self._far() as far:
            label = self.kind.load().label(self._destination(far))
        assert label.strip(), "label() is empty: nobody can tell one destination from another in the log"
        assert label.isprintable(), f"label() is for one line of a page: {label!r}"

    # ------------------------------------------------------------------ its life

    def test_closing_twice_and_closing_unused_do_no_harm(self) -> None:
        async def life(far: FarSide) -> Outcome:
            unused, used = self.make(far), self.make(far)
            try:
                outcome = await used.send(self._dispatch(far))
                for channel in (unused, unused, used, used):
                    await channel.aclose()
            finally:
                for channel in (unused, used):
                    await channel.outbound.aclose()
            return outcome

        with self._far() as far:
            assert asyncio.run(life(far)).status in GOOD

    # ------------------------------------------------------------------ how it is done

    @property
    def _to_persons(self) -> bool:
        """One delivery may then be several messages: that nobody gets two is a test of its own."""
        return self.kind.addressing == "persons"

    def make(self, far: FarSide) -> Channel:
        """A new channel that may reach this machine, with the settings for `far`."""
        channel = self.kind.load()
        outbound = Outbound(OutboundPolicy(allow=("127.0.0.1", "::1", "localhost"), timeout=far.patience))
        return channel(channel.Settings.model_validate(self.settings(far)), outbound)

    def send(self, far: FarSide, **changes: Any) -> Outcome:
        """Send the specimen once; `changes` are fields of `Dispatch`."""
        return asyncio.run(self._send(far, [self._dispatch(far, **changes)]))[0]

    async def _send(self, far: FarSide, dispatches: Sequence[Dispatch]) -> list[Outcome]:
        channel = self.make(far)
        try:
            return await asyncio.gather(*(channel.send(one) for one in dispatches))
        finally:
            await channel.aclose()
            await channel.outbound.aclose()

    @contextmanager
    def _far(self, says: Says = Says.OK) -> Iterator[FarSide]:
        far = self.far_side()
        if says not in far.vocabulary:
            raise SkipTest(f"{type(far).__name__} cannot be made to say {says}")
        far.says = says
        if says in (Says.SILENT, Says.DRIPPING):
            far.patience = _IMPATIENCE
        with far:
            yield far

    def _said(self, says: Says) -> Outcome:
        """The outcome of a send to a far side that says `says`; it was really asked."""
        with self._far(says) as far:
            outcome = self.send(far)
            assert far.asked, "the channel never came to the far side"
        return outcome

    def _unreachable(self) -> tuple[Outcome, set[str]]:
        """The outcome of a send to a far side that has gone, and the secrets it was sent with."""
        with self._far() as far:
            dispatch, channel = self._dispatch(far), self.make(far)

        async def go() -> Outcome:
            try:
                return await channel.send(dispatch)
            finally:
                await channel.aclose()
                await channel.outbound.aclose()

        return asyncio.run(go()), pieces(channel.settings, dispatch.destination)

    def _dispatch(self, far: FarSide, **changes: Any) -> Dispatch:
        fields: dict[str, Any] = {"attempt": 1, "envelope": self._envelope(), **changes}
        if "wire" not in fields:
            fields["wire"] = self.make(far).encode(self._message(), fields["envelope"])
        return Dispatch(destination=self._destination(far), **fields)

    def _destination(self, far: FarSide) -> Any:
        given = self.destination(far)
        return None if given is None else self.kind.load().Destination.model_validate(given)

    def _message(self, *, huge: bool = False) -> Message:
        return specimens.message(self.kind, huge=huge)

    def _envelope(self, delivery: str | None = None) -> Envelope:
        return specimens.envelope(self.kind, delivery) if delivery else specimens.envelope(self.kind)


def _skipping(why: str) -> Any:
    def test(self: ChannelContract) -> None:
        del self
        raise SkipTest(why)

    return test
