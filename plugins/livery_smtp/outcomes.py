"""What a server's answers come to: by address, and for the message as a whole."""

from collections.abc import Iterable, Sequence
from typing import Literal

from livery.plugin import Outcome, Reason, RecipientResult

OK, BUSY, PERMANENT = (frozenset(range(first, first + 100)) for first in (200, 400, 500))
READY = 354
CLOSING = 421
"""The server is about to close the connection, whatever was asked (RFC 5321 §3.8)."""
_LOGIN_WANTED, _TOO_LARGE = (530, 535), (523, 552)
_EXCERPT = 200
NO_SENSE = "the server's answer makes no sense"
OUT_OF_TURN = "the server answers out of turn"


def of_address(address: str, code: int, said: str) -> RecipientResult:
    """What an answer to RCPT, or one that speaks for it, means for an address."""
    status: Literal["accepted", "retry", "failed"] = (
        "accepted" if code in OK else "failed" if code in PERMANENT and code not in _LOGIN_WANTED else "retry"
    )
    return RecipientResult.trusted(address=address, status=status, code=str(code), detail=said)


def of_message(results: Sequence[RecipientResult], code: int = 0, said: str = "") -> Outcome:
    """One outcome for all addresses: somebody left to try again, else somebody reached, else nobody."""
    by_status = {one.status: one for one in results[::-1]}
    if "accepted" in by_status and "retry" not in by_status:
        reason = Reason.REFUSED if len(by_status) > 1 else None
        return Outcome.trusted(
            status="accepted", reason=reason, code=str(code), detail=said, retry_after=None, reference="",
            recipients=tuple(results),
        )  # fmt: skip
    worst = by_status.get("retry") or by_status["failed"]
    return Outcome(
        status=worst.status, reason=_reason(worst), code=worst.code, detail=worst.detail, recipients=tuple(results)
    )


def taken_back(results: Sequence[RecipientResult], code: int, said: str) -> list[RecipientResult]:
    """The results of addresses when the message for them was not taken after all."""
    return [of_address(one.address, code, said) if one.status == "accepted" else one for one in results]


def of_content(results: Sequence[RecipientResult], code: int, said: str) -> Outcome:
    """What the answer to the message itself means: 2xx, and it is theirs; 4xx or 5xx, and nobody has it."""
    if code in OK:
        return of_message(results, code, said)
    if code in BUSY or code in PERMANENT:
        return of_message(taken_back(results, code, said), code, said)
    return lost(results, Reason.SERVER_ERROR, NO_SENSE, is_sent=True)


def lost(results: Iterable[RecipientResult], reason: Reason, detail: str, *, is_sent: bool) -> Outcome:
    """No answer, or none that tells: `unknown` once the final dot was handed over. Refusals that came before count."""
    refused = tuple(one for one in results if one.status == "failed")
    status: Literal["unknown", "retry"] = "unknown" if is_sent else "retry"
    return Outcome(status=status, reason=reason, detail=detail, recipients=refused)


def failed(reason: Reason, detail: str, results: Iterable[RecipientResult] = ()) -> Outcome:
    """Never to be tried again."""
    return Outcome(status="failed", reason=reason, detail=detail, recipients=tuple(results))


def shown(outcome: Outcome, secrets: Sequence[str]) -> Outcome:
    """The outcome as it may be kept: short, and without secrets, which a server may quote in its answer."""
    longest = max([len(outcome.detail), *[len(one.detail) for one in outcome.recipients]])
    if not secrets and longest <= _EXCERPT:
        return outcome
    hidden = sorted(secrets, key=len, reverse=True)

    def short(text: str) -> str:
        plain = " ".join(text.split())
        for secret in hidden:
            plain = plain.replace(secret, "•••")
        return plain[:_EXCERPT]

    recipients = tuple(one.model_copy(update={"detail": short(one.detail)}) for one in outcome.recipients)
    return outcome.model_copy(update={"detail": short(outcome.detail), "recipients": recipients})


def _reason(result: RecipientResult) -> Reason:
    code = int(result.code or 0)
    if code in _LOGIN_WANTED:
        return Reason.AUTH
    if code in _TOO_LARGE:
        return Reason.TOO_LARGE
    if code in BUSY:
        return Reason.THROTTLED
    return Reason.REFUSED if code in PERMANENT else Reason.INVALID if not code else Reason.SERVER_ERROR
