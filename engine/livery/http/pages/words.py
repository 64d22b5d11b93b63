"""Words: what people read in place of the names that programs use. Owns every such pair, for all pages."""

from datetime import UTC, datetime

CHANNELS = {"smtp": "Email", "slack": "Slack", "teams": "Teams", "webhook": "Webhook", "apprise": "Other services"}
PLACES = {"to": "To", "cc": "Cc", "bcc": "Bcc"}
LEVELS = {"default": "Platform", "distributor": "Distributor", "seller": "Seller"}
STATES = {
    "pending": "Waiting to be sent",
    "sending": "Being sent",
    "retrying": "Will be tried again",
    "delivered": "Delivered",
    "accepted": "Accepted by the far side",
    "unknown": "Sent, answer lost",
    "suppressed": "Not sent: nobody may be written to",
    "dead": "Given up",
}
GOOD, OPEN = ("delivered", "accepted"), ("pending", "sending", "retrying")
SIGNED_IN = {
    "token": "a token",
    "link": "a link",
    "oidc": "your organisation's account",
    "host": "the application around",
}
FIELDS = {
    "enabled": "Switch", "to": "To", "cc": "Cc", "bcc": "Bcc", "locale": "Default language",
    "locale_policy": "Whose language", "pack": "Template pack", "sender.name": "Sender name",
    "sender.address": "From address", "sender.reply_to": "Reply-To", "destinations": "Destinations",
    "quiet": "Quiet periods",
}  # fmt: skip
INPUTS = {
    "url": ("URL", "Where it is posted to, by https."),
    "body": ("Body", "cloudevent if empty; platform for what marketplaces of the AppXite kind post."),
    "authorization": ("Authorization", "Value of an Authorization header, if the receiver wants one."),
    "may_see_secrets": ("Send secret fields of events, where you may see them", ""),
    "token": ("Bot token", "In place of a URL: a bot's token with the scope chat:write."),
    "channel": ("Channel", "With a token: the channel's id or name, such as #orders."),
}
"""By the name of the setting: its label, and its hint."""
_SELECTORS = {
    "event_user": "The user who did it",
    "organization_contact": "{} contact of the {}",
    "role": "Everybody with the role {}",
    "user": "The user {}",
    "address": "{}",
}


def channel(name: str) -> str:
    return CHANNELS.get(name, "All channels" if name == "*" else name)


def event(name: str) -> str:
    """`OfferProvisionError` as `Offer provision error`."""
    if name == "*":
        return "All events"
    spaced = "".join(f" {char.lower()}" if char.isupper() and at else char for at, char in enumerate(name))
    return spaced if name.isalnum() else name


def selector(text: str) -> str:
    """Whom a selector stands for."""
    kind, _, rest = text.partition(":")
    if kind == "organization_contact":
        side, _, which = rest.partition(".")
        return f"{which.replace('_', ' ').capitalize()} contact of the {side}" if which else text
    if kind not in _SELECTORS:
        return text
    return _SELECTORS[kind].format(rest)


def reason(text: str) -> str:
    """Why somebody is in a list: whom the selector stands for; of an address that stands for itself, that it is one."""
    return "This address" if text.startswith("address:") else selector(text)


def asked(name: str, description: str) -> tuple[str, str]:
    """What a form calls a setting of a destination, and the hint below."""
    label, hint = INPUTS.get(name, (name.replace("_", " ").capitalize(), description.replace("`", "")))
    return label, hint


def origin(text: str, tenant: str = "") -> str:
    """`distributor north` as `from distributor north`; what this tenant says is set here."""
    if tenant and tenant in text.split(" "):
        return "set in livery.toml" if text.endswith("(livery.toml)") else "set here"
    return text if text == "default" else f"from {text}"


def state(name: str) -> str:
    return STATES.get(name, name)


def moment(at: datetime | None) -> str:
    """A time as everybody reads it, with its zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def ago(at: datetime | None, now: datetime) -> str:
    """How long since, or until, in the largest unit that fits."""
    if at is None:
        return ""
    seconds = int((now - at).total_seconds())
    size = abs(seconds)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if size >= length:
            count = size // length
            said = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"in {said}" if seconds < 0 else f"{said} ago"
    return "in a moment" if seconds < 0 else "just now"
