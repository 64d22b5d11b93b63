"""One message on its way to one server: MAIL, RCPT for each address, DATA, and what the answers make of it."""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence

from livery.plugin import Dispatch, Outcome, Reason, RecipientResult
from livery_smtp import outcomes
from livery_smtp.mime import Dotless, ascii_domain
from livery_smtp.outcomes import BUSY, CLOSING, NO_SENSE, OK, OUT_OF_TURN, PERMANENT, READY
from livery_smtp.replies import Reply
from livery_smtp.session import Lost, Session

_DOT = re.compile(rb"\n\.")
"""Looked for by a pattern: a quarter of the time that bytes.replace() takes over text."""
_NOT_BEYOND_ASCII = "the mail server takes no addresses beyond ASCII (it lacks SMTPUTF8)"


class Transaction:
    """A message for the addresses of one delivery that are still to be written to.

    Args:
        dispatch: the delivery.
        addresses: those of its addresses.

    """

    def __init__(self, dispatch: Dispatch, addresses: Sequence[str]) -> None:
        self.wire = dispatch.wire
        self.unreachable: list[RecipientResult] = []
        """Addresses that no server, or not this one, can write to."""
        self.results: list[RecipientResult] = []
        """What was answered of each address, once all were; `unreachable` among them."""
        self.specs: list[tuple[str, str]] = []
        """(address, as the server is told it) of those that can be written to."""
        self.sender = ""
        self.wrong = ""
        """Why the whole message cannot be sent, whatever the server."""
        self.session: Session | None = None
        self._commands: tuple[Mapping[str, str], list[bytes]] | None = None
        self.is_written = self.is_mixed = False
        self.deadline, self.late = math.inf, ""
        """When it is given up, by the clock of the event loop; what is said then."""
        self.moves = 0
        """How often it went from one connection, lost before the message was sent, to another."""
        loop = asyncio.get_running_loop()
        self.since = loop.time()
        self.done: asyncio.Future[Outcome] = loop.create_future()
        try:
            self.sender = ascii_domain(dispatch.envelope.sender_address)
        except ValueError as error:
            self.wrong = f"the sender: {error}"
        for address in addresses:
            try:
                self.specs.append((address, ascii_domain(address)))
            except ValueError as error:
                self.unreachable.append(RecipientResult(address=address, status="failed", detail=str(error)))

    @property
    def is_sent(self) -> bool:
        """Whether the final dot may have reached the server."""
        session = self.session
        if session is None or self.is_mixed or session.is_encrypted:
            return self.is_written  # what of it is still here, nobody can tell
        return self.is_written and not session.is_paused

    @property
    def _is_ascii(self) -> bool:
        """Whether message and sender are; a message is long, and most begin with all of it that may not be."""
        wire = self.wire
        return self.sender.isascii() and (wire.head if isinstance(wire, Dotless) else wire).isascii()

    def settle(self, outcome: Outcome) -> None:
        """Tell who waits; the first outcome counts."""
        if not self.done.done():
            self.done.set_result(outcome)

    def settle_if_here(self, outcome: Outcome) -> None:
        """`settle`, unless it went to another connection."""
        if self.session is not None:
            self.settle(outcome)

    def unfit(self, features: Mapping[str, str] | None) -> Outcome | None:
        """Why it cannot go to a server that offers this, None if it can; addresses that cannot are sorted out.

        Args:
            features: what the server offers; None for what holds of every server.

        """
        if self.wrong:
            return outcomes.failed(Reason.INVALID, self.wrong)
        if features is not None:
            if "SMTPUTF8" not in features:
                if not self._is_ascii:
                    return outcomes.failed(Reason.UNSUPPORTED, _NOT_BEYOND_ASCII)
                self._leave_out_beyond_ascii()
                if not self.specs:
                    return outcomes.failed(Reason.UNSUPPORTED, _NOT_BEYOND_ASCII, self.unreachable)
            room = features.get("SIZE", "")
            if room.isascii() and room.isdigit() and 0 < int(room[:18]) < len(self.wire):
                said = f"{len(self.wire):,} bytes; the mail server takes {int(room[:18]):,}"
                return outcomes.failed(Reason.TOO_LARGE, said, self.unreachable)
        return None if self.specs else outcomes.of_message(self.unreachable)

    def commands(self, features: Mapping[str, str]) -> list[bytes]:
        """MAIL, each RCPT, and DATA, without their line ends."""
        if self._commands is not None and self._commands[0] is features:
            return self._commands[1]
        rcpts = [f"RCPT TO:<{spec}>".encode() for _, spec in self.specs]
        options = f" SIZE={len(self.wire)}" if "SIZE" in features else ""
        if not (self._is_ascii and b"".join(rcpts).isascii()):
            options += " BODY=8BITMIME SMTPUTF8"
        self._commands = (features, [f"MAIL FROM:<{self.sender}>{options}".encode(), *rcpts, b"DATA"])
        return self._commands[1]

    def content(self) -> bytes:
        """The message with dots doubled at line starts (RFC 5321 §4.5.2), up to the final one."""
        return stuffed(self.wire)

    def judged(self, replies: Sequence[Reply]) -> Outcome | None:
        """What the answers to `commands()` mean; None if the message may follow.

        Fewer answers than commands are judged as far as they go: None then means that they decide nothing.
        """
        if not replies:
            return None
        mail, rcpts = replies[0], replies[1 : 1 + len(self.specs)]
        if len(replies) > 1 + len(self.specs) and replies[-1].code in OK:
            # No answer to DATA: one too many came before it, so that none of them is to what it seems to be.
            return outcomes.lost(self.unreachable, Reason.SERVER_ERROR, OUT_OF_TURN, is_sent=False)
        if mail.code not in OK:
            refused = [outcomes.of_address(address, mail.code, mail.text) for address, _ in self.specs]
            return outcomes.of_message([*self.unreachable, *refused], mail.code, mail.text)
        if len(rcpts) < len(self.specs):
            return None
        answered = zip(self.specs, rcpts, strict=True)
        results = [outcomes.of_address(address, reply.code, reply.text) for (address, _), reply in answered]
        results = [*self.unreachable, *results]
        if "accepted" not in [one.status for one in results]:
            return outcomes.of_message(results)
        if len(replies) == 1 + len(self.specs):
            return None
        self.results = results
        data = replies[-1]
        if data.code == READY:
            return None
        if data.code in BUSY or data.code in PERMANENT:
            return outcomes.of_content(results, data.code, data.text)
        return outcomes.lost(results, Reason.SERVER_ERROR, NO_SENSE, is_sent=False)

    def hear(self, reply: Reply) -> None:
        """Take the answer to the message itself."""
        if reply.code in OK and not self.is_sent:
            self.settle(outcomes.lost(self.results, Reason.SERVER_ERROR, OUT_OF_TURN, is_sent=True))
        else:
            self.settle(outcomes.of_content(self.results, reply.code, reply.text))

    def interrupted(self, lost: Lost) -> Outcome:
        """What it means that the session ended amid it."""
        if self.is_written:
            return outcomes.lost(self.results, lost.reason, lost.detail, is_sent=self.is_sent)
        replies = list(lost.replies)
        if replies and replies[-1].code == CLOSING:
            replies += [replies[-1]] * (1 + len(self.specs) - len(replies))
        if outcome := self.judged(replies):
            return outcome
        if replies and replies[-1].code == CLOSING:
            return outcomes.of_content(self._so_far(replies), CLOSING, replies[-1].text)
        return outcomes.lost(self._so_far(replies), lost.reason, lost.detail, is_sent=False)

    def _so_far(self, replies: Sequence[Reply]) -> list[RecipientResult]:
        answered = zip(self.specs, replies[1:], strict=False)
        return [*self.unreachable, *(outcomes.of_address(spec[0], one.code, one.text) for spec, one in answered)]

    def _leave_out_beyond_ascii(self) -> None:
        for address, spec in self.specs:
            if not spec.isascii():
                self.unreachable.append(RecipientResult(address=address, status="failed", detail=_NOT_BEYOND_ASCII))
        self.specs = [one for one in self.specs if one[1].isascii()]


def stuffed(wire: bytes) -> bytes:
    """A message with dots doubled at line starts, and a line end at its end (RFC 5321 §4.5.2)."""
    ended = wire if wire.endswith(b"\r\n") else wire + b"\r\n"
    if not isinstance(wire, Dotless):
        ended = _DOT.sub(b"\n..", b".." + ended[1:] if ended.startswith(b".") else ended)
    return ended
