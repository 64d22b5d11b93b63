"""Part of the contract: what becomes of an attempt, whatever the far side answers, and when it is stopped."""

import asyncio
from contextlib import AbstractContextManager
from typing import Any
from unittest import SkipTest

from livery.channel import Channel, Dispatch
from livery.models.delivery import Outcome, Reason
from livery.testing.far_side import WAIT, FarSide, Says

GOOD = ("delivered", "accepted")
_STOPPED = 5.0
"""Seconds a send that is stopped, and the closing after it, may take."""


class Answers:
    """`ChannelContract` inherits these tests, and says how a far side is made and asked."""

    def make(self, far: FarSide) -> Channel:
        raise NotImplementedError

    def _far(self, says: Says = Says.OK) -> AbstractContextManager[FarSide]:
        raise NotImplementedError

    def _dispatch(self, far: FarSide, **changes: Any) -> Dispatch:
        raise NotImplementedError

    def _said(self, says: Says) -> Outcome:
        raise NotImplementedError

    def _unreachable(self) -> tuple[Outcome, set[str]]:
        raise NotImplementedError

    def test_a_throttled_send_is_tried_again(self) -> None:
        assert self._said(Says.THROTTLED).status == "retry"

    def test_throttling_is_named(self) -> None:
        assert self._said(Says.THROTTLED).reason is Reason.THROTTLED

    def test_the_wait_that_was_asked_for_is_kept(self) -> None:
        assert self._said(Says.THROTTLED).retry_after == WAIT

    def test_a_fault_of_the_far_side_is_tried_again(self) -> None:
        outcome = self._said(Says.BROKEN)
        assert (outcome.status, outcome.reason is None) == ("retry", False), outcome

    def test_a_refused_send_is_not_delivered(self) -> None:
        assert self._said(Says.REFUSED).status in ("failed", "retry")

    def test_a_refusal_is_final_and_has_a_reason(self) -> None:
        outcome = self._said(Says.REFUSED)
        assert (outcome.status, outcome.reason is None) == ("failed", False), outcome

    def test_an_answer_that_makes_no_sense_is_no_delivery(self) -> None:
        assert self._said(Says.GARBLED).status in ("unknown", "retry")

    def test_a_connection_that_broke_before_the_answer_is_no_delivery(self) -> None:
        assert self._said(Says.HANGING_UP).status in ("unknown", "retry")

    def test_a_connection_that_was_reset_is_no_delivery(self) -> None:
        assert self._said(Says.RESETTING).status in ("unknown", "retry")

    def test_an_answer_that_drips_for_ever_is_no_delivery(self) -> None:
        assert self._said(Says.DRIPPING).status in ("unknown", "retry")

    def test_silence_is_no_delivery(self) -> None:
        assert self._said(Says.SILENT).status in ("unknown", "retry")

    def test_an_unreachable_far_side_is_tried_again(self) -> None:
        assert self._unreachable()[0].status == "retry"

    def test_an_unreachable_far_side_is_named(self) -> None:
        assert self._unreachable()[0].reason is Reason.UNREACHABLE

    def test_a_send_that_is_stopped_ends_and_leaves_nothing_behind(self) -> None:
        async def stop(far: FarSide) -> set[Any]:
            before = asyncio.all_tasks()
            channel = self.make(far)
            sending = asyncio.create_task(channel.send(self._dispatch(far)))
            async with asyncio.timeout(_STOPPED):
                while not far.asked and not sending.done():  # noqa: ASYNC110 - the far side may be anywhere
                    await asyncio.sleep(0.01)
            if sending.done():
                raise SkipTest("the channel does not wait for an answer")
            sending.cancel()
            async with asyncio.timeout(_STOPPED):
                await asyncio.wait([sending])
                await channel.aclose()
                await channel.outbound.aclose()
            await asyncio.sleep(0.05)
            return {task for task in asyncio.all_tasks() - before if task is not sending}

        with self._far(Says.SILENT) as far:
            left = asyncio.run(stop(far))
        assert not left, f"tasks are left behind: {left}"
