"""What the code cannot say in a docstring: a sentence for each member of an enum, and the words between tables."""
# ruff: noqa: INP001 - see generate.py

from typing import Any

SETTINGS = """\
Settings come from `livery.toml` and from the environment; the environment wins. The file is the one named by
`--config`, else by `LIVERY_CONFIG`, else `./livery.toml`. Paths in it are relative to its folder.

A setting's name in the environment is `LIVERY_`, the path in capitals, and two underscores at each dot:
`channels.smtp.host` is `LIVERY_CHANNELS__SMTP__HOST`. Lists and tables are written as JSON:
`LIVERY_VERIFIED_DOMAINS='["seller.example"]'`. A name that is no setting of `livery.toml` is an error in the file
and passed over in the environment. What everything is for: [operating Livery](../operator.md)."""

TENANT = """\
One tenant. The key is its id: the one events name their seller by. The tenant without a `parent` is the platform,
one that is somebody's parent a distributor, any other a seller. What is absent comes from the parent."""

STORED = """\
What `livery settings` and `engine.settings` change while Livery runs. Only differences are kept; those of a tenant lie
over what `livery.toml` says of the same tenant. How they are resolved, with examples:
[who gets this, and why](../who-gets-this.md)."""
KINDS = {
    "scalar": "one value: `set`",
    "list": "selectors: `set`, `add`, `remove`",
    "table": "items by name: `set`, `add`, `remove`",
}
EVENT_SETTINGS = """\
What one tenant changes for one event type; `"*"` stands for all of them and is applied before the type's own table.
Only differences: what is absent is inherited, and later changes above still arrive."""

SENDER = "From whom this tenant's mail comes. `address` and `reply_to` come from above if absent; `name` does not."

BRAND = 'Brand tokens laid over the pack\'s, as text: `primary = "#5b2a86"`. Which there are: [packs](packs.md).'


def destination(kind: Any) -> str:
    """What several destinations of one channel mean."""
    if kind.addressing == "persons":
        return (
            "An account of a tenant's own. The nearest tenant's that may carry a message does; all others go by "
            f"`[channels.{kind.name}]`, which must be there."
        )
    if kind.cumulative:
        return "A destination of a tenant. Those of the platform, the distributor and the seller each get a delivery."
    return "A destination of a tenant. Those of the lowest level that has some replace those above."


EVENTS = """\
An event is a [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) envelope in JSON
around typed data. It is refused, with a line for every wrong field, if a field is missing or of another type; also if
it holds NUL, half a character, NaN or Infinity, one key twice, more than 32 levels or more than 256 KiB. Fields of
`data` that are not listed are kept: templates and webhooks get them. The seller, `source` and `id` together make an
event unique; the same three with another body are a conflict. "Required" inside an object that may be absent means: if
the object is there."""

CLI = """\
Commands that need a configuration take `--config`, else `LIVERY_CONFIG`, else `./livery.toml`. Without any, `explain`
and `render` show the event's seller as a tenant of a platform without settings. Tables and JSON go to standard output,
everything else to standard error."""

EXIT_CODES = {
    0: "done: every delivery went out, or was handed to a worker (`--queue`)",
    1: "something is not delivered (it is being retried, was given up, or reached nobody), or a check found a fault",
    2: "bad input: the event, the configuration or the command line; nothing was stored",
}

CHANNELS = """\
Each channel is a plugin. `livery plugin list` shows those that are installed; their settings are in
[settings](settings.md). After each failed attempt that may be repeated, a delivery waits as long as its ladder says,
give or take a fifth; a `Retry-After` of the far side counts up to twice that. Limits count characters, or bytes for a
whole card."""

WEBHOOKS = """\
What a receiver gets and how to verify it. Deliveries are signed as
[Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md) has it:
any of its libraries verifies them, with the secret of the destination. An event may come more than once, always with
the same `webhook-id` and the same body: remember the ids you have seen. Order is not promised. How to configure one:
[operating Livery](../operator.md#webhooks)."""

WEBHOOK_HEADERS = {
    "`webhook-id`": "The delivery's id: the same on every attempt, another for every other delivery.",
    "`webhook-timestamp`": "Seconds since 1970 of this attempt. Refuse what is older than five minutes.",
    "`webhook-signature`": "One or, while a secret is being rotated, two of `v1,<base64 of the HMAC-SHA256 of "
    "id.timestamp.body>`, divided by a space. One that fits is enough.",
    "`Content-Type`": "`application/cloudevents+json; charset=utf-8`, that of the mapping, or the destination's own.",
    "`Authorization`": "What the destination says, if it says something.",
}

WEBHOOK_ANSWERS = {
    "200 to 299": "`delivered`. Answer at once and work afterwards: after 20 seconds (`outbound.timeout`) it counts as "
    "`unknown` and comes again.",
    "408, 425, 429, 500 to 599": "Tried again by the [ladder](channels.md#webhook). `Retry-After`, in seconds or as a "
    "date, counts up to twice the planned wait.",
    "410": "`gone`: given up for good, and nothing more is sent until an operator enables the destination again.",
    "300 to 399": "Given up: redirects are not followed.",
    "everything else": "Given up, with the first 300 characters of your answer in the log.",
}

WEBHOOK_BODY = """\
The event as it was accepted, as a [CloudEvent](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) in
JSON: the fields of [events](events.md). Fields that no schema names may come with it. The same schemas, also those of
event types of other plugins, by `livery webhook schema`."""

STATES = {
    "pending": "Stored, not tried yet.",
    "sending": "A worker has it right now.",
    "retrying": "An attempt failed; the next one has a time.",
    "delivered": "The far side has it and said so (Slack, a webhook).",
    "accepted": "The far side took it on; whether it was shown or read is not known (e-mail, Teams).",
    "unknown": "Sent, but the answer was lost each time. It may have arrived, even more than once.",
    "suppressed": "Not sent on purpose; the reason says why: suppressed, disabled or cancelled.",
    "dead": "Given up: refused for good, or every retry failed. Kept; `livery deliveries retry` sends it again.",
}

OUTCOMES = {
    "delivered": "The far side has it for certain. The delivery is done.",
    "accepted": "The far side took it on (SMTP 250, Teams 202). The delivery is done.",
    "retry": "Not this time. The delivery waits for its next attempt, until its ladder ends.",
    "failed": "Never: another attempt would end the same. The delivery is `dead`.",
    "unknown": "Sent, answer lost. Tried again with the same identity; after the last attempt it stays `unknown`.",
}

REASONS = {
    "refused": ("The far side said no.", "Read its answer in `livery deliveries show`."),
    "throttled": ("Too many at once, or greylisting.", "Nothing: it is tried again."),
    "unreachable": ("No connection, or it broke.", "Check host, port and network."),
    "timeout": ("No answer in time.", "Check the far side; raise `timeout` if it is only slow."),
    "auth": ("Login or signature refused.", "Check user name, password, token or the hook's URL."),
    "invalid": ("The far side cannot read the message, or the URL is none.", "Check the URL; then report it to us."),
    "unsupported": (
        "The far side lacks what the message needs: a mail server without SMTPUTF8 for an address beyond ASCII.",
        "Use an address in ASCII, or another mail server.",
    ),
    "too_large": ("Larger than the far side takes.", "Shorten the texts of the pack."),
    "gone": ("The hook, page or destination is no longer there.", "Give the tenant a new destination."),
    "server_error": ("A 5xx of the far side.", "Nothing: it is tried again."),
    "forbidden_target": ("The URL does not lead to a public https address.", "See `outbound.allow`."),
    "misconfigured": ("A setting or an optional library is missing.", "`livery doctor` names it."),
    "render_failed": ("The message could not be written.", "Read the detail; mend the pack or the setting it names."),
    "worker_crashed": ("Its worker died with it three times.", "Look for what kills the worker; report it to us."),
    "channel_failed": ("The channel plugin raised, or told no reason.", "Report it to the plugin's author."),
    "exhausted": ("Every retry failed without a reason of its own.", "Look at the attempts."),
    "suppressed": ("Everybody in it is on the suppression list.", "Nothing, or take them off the list."),
    "disabled": (
        "Its destination had been disabled.",
        "`livery destinations enable` it, then `livery deliveries retry`.",
    ),
    "cancelled": ("Somebody cancelled it by hand.", "`livery deliveries retry`, if that was wrong."),
}

ALARMS = """\
What an operator must know, beside the state of single deliveries. Each is a warning of the logger `livery.hooks`
and a call of [`livery_on_alarm`](hooks.md#livery_on_alarm).

| alarm | meaning |
| --- | --- |
| `unreachable` | An event reached no person: the settings and the whole fallback chain named nobody. |
| `directory` | The host's directory raised, answered nonsense or took too long: events wait until it answers. |
| `degraded` | A pack failed somewhere and its parent's words or looks went out instead, or a pack was set aside. |
| `hook_failed` | A plugin raised or returned nonsense; the flow went on without it. |
| `dead` | A delivery was given up. |
| `paused` | A destination failed several times in a row; its deliveries wait, one of them tries from time to time. |
| `disabled` | A destination said that it is gone for good (410); nothing is sent there until somebody enables it. |
| `domain_lost` | A tenant's sender domain is verified no more: its mail comes from the platform's address. |
| `swept` | Work had lost its wake and was found by the sweep: a fault of ours. Nothing is lost; report it. |"""

OVERLAY = "Only what differs from the parent. A text is a string key, or a template (`{{`)."

BLOCKS = "The pieces of a notification. Which fields count depends on `kind`; the description names it."

FILTERS = "What texts, conditions, layouts and partials may use. Everything else is refused."

OWN_FILTERS = {
    "currency": "An amount of money: `{{ 1234.5 | currency('EUR') }}` is `€1,234.50`.",
    "date": "A date in the reader's language: `20 November 2026`.",
    "datetime": "Date, time and zone in the reader's language.",
    "lines": "Escaped, with its line breaks kept. Layouts and partials only.",
    "number": "A number in the reader's language: `1,234`, `1.234`.",
    "percent": "A share of one: `{{ 0.25 | percent }}` is `25%`.",
    "plural": "Words that go with a number, by the language's rules; `#` is the number: "
    "`{{ n | plural(one='# day', other='# days') }}`.",
    "select": "Words that go with a value: `{{ kind | select(trial='a trial', other='a licence') }}`.",
    "short": "One line of at most 200 characters, or as many as said: `{{ x | short(60) }}`.",
    "time": "The time of day and its zone.",
}
