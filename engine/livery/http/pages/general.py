"""General settings of a tenant: from whom its mail comes, in which language and livery; and its sender domains."""

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from livery.errors import NotFound
from livery.http.gate import Admin, Viewer
from livery.http.pages import standing, words
from livery.http.pages.changing import Make, change
from livery.http.pages.once import Said
from livery.http.pages.routes import Fields, pages
from livery.http.pages.shell import Page
from livery.settings.differences import ANY, Slot

router = pages()
FIELDS: Final = {
    "sender.name": "What readers see as the sender. The tenant's own name if nothing is said.",
    "sender.address": "Counts once its domain is verified below; until then mail comes from the platform's address.",
    "sender.reply_to": "Where answers go.",
    "locale": "For readers whose language is not known, such as en, de or de-AT.",
    "locale_policy": "Whether a message is in its reader's language or always in the default one.",
    "pack": "The words and looks of every message.",
}
CHOICES: Final = {"locale_policy": (("reader", "The reader's"), ("tenant", "Always the default"))}


@router.get("/t/{tenant}/settings/general")
def general(request: Request, who: Viewer, tenant: str) -> Response:
    page = Page.of(request, who, tenant)
    view, own = (
        page.desk.resolved(page.tenant),
        {one.slot.field for one in page.desk.own(page.tenant) if _is_general(one.slot)},
    )
    rows = [
        {
            "field": field,
            "title": words.FIELDS[field],
            "hint": hint,
            "now": standing.scalar(view, field),
            "own": field in own,
            "choices": _choices(page, field),
        }
        for field, hint in FIELDS.items()
    ]
    domains = page.engine.domains.find(tenant=page.tenant, within=page.within)
    return page.show(
        "general.html.j2",
        title="Sender, language and pack",
        section="Settings",
        rows=rows,
        view=view,
        domains=[one for one in domains if one.tenant == page.tenant],
        now=page.engine.now(),
    )


@router.post("/t/{tenant}/settings/general/{field}")
def set_one(request: Request, who: Admin, tenant: str, field: str, form: Fields) -> Response:
    """Say one setting, or take it back."""
    page = Page.of(request, who, tenant)
    if field not in FIELDS:
        raise NotFound(f"there is no setting called {field}")
    slot, value, title = Slot(page.tenant, ANY, ANY, field), form.text("value"), words.FIELDS[field]
    is_reset = form.text("operation") == "reset" or not value
    take_back: Make = lambda at: page.desk.reset(page.tenant, field, event_type=ANY, channel=ANY, expected_revision=at)  # noqa: E731
    say: Make = lambda at: page.desk.change(page.tenant, "set", field, value, expected_revision=at)  # noqa: E731
    said = f"{title} is as the level above says again." if is_reset else f"{title} is {value} now."
    return change(page, form, slot, take_back if is_reset else say, back=page.here("settings", "general"), said=said)


@router.post("/t/{tenant}/settings/domains")
def domain(request: Request, who: Admin, tenant: str, form: Fields) -> Response:
    """Add a sender domain, ask DNS for its record, or remove it."""
    page, name, operation = Page.of(request, who, tenant), form.text("domain"), form.text("operation")
    domains, back = page.engine.domains, page.here("settings", "general")
    if operation == "add":
        one = domains.add(page.tenant, name, within=page.within)
        return page.go(back, Said(f"{one.domain} is added. Publish its record, then check it."))
    if operation == "remove":
        one = domains.remove(page.tenant, name, within=page.within)
        return page.go(back, Said(f"{one.domain} is removed; no mail comes from there any more.", "warn"))
    one = domains.check(page.tenant, name, within=page.within)
    said = f"{one.domain} is verified." if one.counts else f"{one.domain} is not verified: {one.detail}"
    return page.go(back, Said(said, "good" if one.counts else "warn"))


def _choices(page: Page, field: str) -> tuple[tuple[str, str], ...]:
    if field == "pack":
        packs = sorted(page.engine.library.packs.values(), key=lambda one: one.id)
        return tuple(
            (one.id, one.manifest.title or one.id) for one in packs if not getattr(one.manifest, "adds_to", None)
        )
    return CHOICES.get(field, ())


def _is_general(slot: Slot) -> bool:
    return (slot.event_type, slot.channel) == (ANY, ANY) and not slot.is_lock
