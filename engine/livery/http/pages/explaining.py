"""Explain: who would get an event, and why; and send it, to see."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from livery.errors import EventError, LiveryError, NotFound, Problem
from livery.http.gate import Admin, Viewer
from livery.http.pages.once import Said
from livery.http.pages.routes import Fields, pages, sentence
from livery.http.pages.shell import SECTIONS, Page, Section
from livery.ids import new_id
from livery.models.explanation import Explanation
from livery.trying import example

router = pages()
SECTIONS.append(Section("Explain", "explain", 30))
_RECENT = 10
Kind = Annotated[str, Query(alias="type", max_length=200)]


@router.get("/t/{tenant}/explain")
def asked(
    request: Request,
    who: Viewer,
    tenant: str,
    kind: Kind = "",
    event: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Pick a sample of an event type or an event that came, or paste one."""
    page = Page.of(request, who, tenant)
    if event:
        return _show(page, raw=_pretty(_accepted(page, event)))
    return _show(page, raw=_pretty(example(page.engine, kind, seller=page.tenant)) if kind else "", kind=kind)


@router.post("/t/{tenant}/explain")
def explain(request: Request, who: Viewer, tenant: str, form: Fields) -> Response:
    """Explain what stands in the form. Sends and stores nothing."""
    page, raw = Page.of(request, who, tenant), form.text("event")
    try:
        found = page.engine.explain(_checked(page, raw))
    except LiveryError as error:
        said = sentence(getattr(error, "summary", "") or str(error))
        return _show(page, raw=raw, problem=said, problems=getattr(error, "problems", ()), status=422)
    return _show(page, raw=raw, found=found)


@router.post("/t/{tenant}/explain/send")
def send(request: Request, who: Admin, tenant: str, form: Fields) -> Response:
    """Accept a test event: it goes out as any other, to the people that the settings name."""
    page, raw = Page.of(request, who, tenant), form.text("event")
    try:
        event = _checked(page, raw)
        event |= {"id": new_id("test", page.engine.now()), "liverytest": True}
        if form.text("email"):
            user = event["data"].get("user") or {"id": "test"}
            event["data"]["user"] = {**user, "email": form.text("email")} if isinstance(user, dict) else user
        receipt = page.engine.accept(event)
    except EventError as error:
        return _show(page, raw=raw, problem=sentence(error.summary), problems=error.problems, status=422)
    said = f"The test event {receipt.event_id} is on its way."
    if receipt.unreachable:
        said = f"The test event {receipt.event_id} was taken, and nobody can be reached for it."
    return page.go(
        page.here("deliveries", event=receipt.event_id), Said(said, "warn" if receipt.unreachable else "good")
    )


def _accepted(page: Page, key: str) -> dict[str, Any]:
    """An event that came, without its secrets.

    Raises:
        NotFound: none did here, or its text is gone.

    """
    found = page.engine.event(key, within=page.tenant)
    if found is None or found[1] is None:
        raise NotFound("this event is not kept here, or its text was removed")
    return found[1].plain()


def _pretty(event: Mapping[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, indent=2)


def _checked(page: Page, raw: str) -> dict[str, Any]:
    """An event of this tenant or of one below it.

    Raises:
        EventError: it is none.

    """
    try:
        event = json.loads(raw)
        seller = str(event["data"]["seller"]["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        wrong = Problem("event", "an event as JSON, with data.seller.id; pick a sample to begin with")
        raise EventError("this is no event:", [wrong]) from None
    try:
        page.engine.tenants.show(seller, within=page.within)
    except NotFound as error:
        raise EventError(
            f"{error}:", [Problem("data.seller.id", f"the id of a tenant, such as {page.tenant}", repr(seller))]
        ) from None
    return dict(event)


def _show(  # noqa: PLR0913 - a page has as many parts
    page: Page,
    *,
    raw: str,
    status: int = 200,
    kind: str = "",
    found: Explanation | None = None,
    problem: str = "",
    problems: Sequence[Problem] = (),
) -> Response:
    return page.show(
        "explain.html.j2",
        status=status,
        title="Explain",
        section="Explain",
        raw=raw,
        kind=kind,
        kinds=sorted(page.engine.types),
        recent=page.engine.events(within=page.tenant, limit=_RECENT),
        found=found,
        problem=problem,
        problems=problems,
    )
