"""What Slack's own words for an error mean: https://docs.slack.dev/reference/methods/chat.postMessage#errors

An incoming webhook says them as plain text beside a status, the Web API in JSON beside 200.
"""

import json
import re
from typing import Any, Literal

from livery.plugin import Answer, Outcome, Reason, outcome_of

_GONE = (
    "account_inactive", "channel_is_archived", "channel_not_found", "is_archived", "is_inactive", "no_active_hooks",
    "no_service", "no_service_id", "no_team", "team_disabled", "team_not_found", "user_not_found",
)  # fmt: skip
_AUTH = (
    "access_denied", "action_prohibited", "ekm_access_denied", "enterprise_is_restricted", "invalid_auth",
    "invalid_token", "missing_scope", "no_permission", "not_allowed_token_type", "not_authed", "not_in_channel",
    "org_login_required", "posting_to_general_channel_denied", "restricted_action",
    "restricted_action_non_threadable_channel", "restricted_action_read_only_channel",
    "restricted_action_thread_locked", "restricted_action_thread_only_channel", "team_access_not_granted",
    "token_expired", "token_revoked", "two_factor_setup_required",
)  # fmt: skip
_TOO_LARGE = ("msg_blocks_too_long", "msg_too_long", "too_many_attachments", "too_many_contact_cards")
_INVALID = (
    "as_user_not_supported", "cannot_reply_to_message", "invalid_arg_name", "invalid_arguments",
    "invalid_array_arg", "invalid_blocks", "invalid_blocks_format", "invalid_charset", "invalid_form_data",
    "invalid_json", "invalid_metadata_format", "invalid_payload", "invalid_post_type", "metadata_too_large",
    "missing_post_type", "missing_text_or_fallback_or_attachments", "no_text", "no_text_or_blocks",
)  # fmt: skip
_THROTTLED = ("accesslimited", "message_limit_exceeded", "rate_limited", "ratelimited")
_PASSING = (
    "fatal_error", "internal_error", "request_timeout", "rollup_error", "service_unavailable", "team_added_to_org",
    "external_channel_migrating",
)  # fmt: skip
LOST_THREAD = frozenset({"invalid_thread_ts", "thread_not_found"})
"""The message to follow is no longer there; nothing was posted."""
_FINAL: dict[str, Reason] = {
    **dict.fromkeys(_GONE, Reason.GONE),
    **dict.fromkeys(_AUTH, Reason.AUTH),
    **dict.fromkeys(_TOO_LARGE, Reason.TOO_LARGE),
    **dict.fromkeys(_INVALID, Reason.INVALID),
}
_AGAIN: dict[str, Reason] = {
    **dict.fromkeys(_THROTTLED, Reason.THROTTLED),
    **dict.fromkeys(_PASSING, Reason.SERVER_ERROR),
}
_WORD = re.compile(r"[a-z0-9_]{2,60}")
_TS = re.compile(r"[0-9]{1,20}\.[0-9]{1,20}")


def read(answer: Answer) -> Outcome:
    """The outcome of a post by hook or by token."""
    outcome = outcome_of(answer)
    if answer.status is None:
        return outcome
    said = _said(answer.body)
    word = _word(said)
    status: Literal["failed", "retry"]
    if word in _FINAL and outcome.status != "retry":
        status, reason = "failed", _FINAL[word]
    elif word in _AGAIN:
        status, reason = "retry", _AGAIN[word]
    elif isinstance(said, dict) and said.get("ok") is False and outcome.status == "delivered":
        status, reason = "failed", Reason.REFUSED
    elif outcome.status == "delivered":
        return _taken(outcome, said)
    else:
        return outcome
    return outcome.model_copy(
        update={
            "status": status,
            "reason": reason,
            "detail": word if word in _FINAL or word in _AGAIN else outcome.detail,  # another may quote a secret
            "retry_after": _wait(answer) if status == "retry" else None,
        }
    )


def _wait(answer: Answer) -> float | None:
    """The Retry-After of an answer, whatever its status."""
    return outcome_of(Answer(status=429, headers=answer.headers)).retry_after


def lost_thread(answer: Answer) -> bool:
    """Whether the message to follow is gone, so that this one may be posted by itself."""
    return answer.status is not None and _word(_said(answer.body)) in LOST_THREAD


def _taken(outcome: Outcome, said: Any) -> Outcome:
    """Delivered if Slack says so in its words; what answers 200 in others took it, more is not known."""
    if said == "ok":
        return outcome
    if isinstance(said, dict) and said.get("ok") is True:
        reference = said.get("ts")
        update = {"reference": reference} if isinstance(reference, str) and _TS.fullmatch(reference) else {}
        return outcome.model_copy(update={"detail": "ok", **update})
    return outcome.model_copy(update={"status": "accepted"})


def _said(body: bytes) -> Any:
    """The answer's JSON object, or its text."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _word(said: Any) -> str:
    """Slack's word for what went wrong; empty if there is none."""
    found = said.get("error") if isinstance(said, dict) else said
    return found if isinstance(found, str) and _WORD.fullmatch(found) else ""
