"""Home: what failed lately, what is stuck, which packs are degraded, and who cannot be reached."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from livery.http.gate import Viewer
from livery.http.pages.routes import pages
from livery.http.pages.shell import SECTIONS, Page, Section
from livery.models.delivery import OPEN, Delivery, State

router = pages()
SECTIONS.append(Section("Home", "", 10))
_DAYS, _LISTED, _LOOKED_AT = 7, 8, 500
_STUCK = timedelta(minutes=15)


@router.get("/")
def start(request: Request, who: Viewer) -> Response:
    """To the tenant they act for; an operator begins at the platform."""
    page = Page(request, who)
    first = who.tenant or next((id_ for _, id_, _ in page.tenants), "")
    return page.go(page.at("t", first)) if first else page.show("no_tenants.html.j2", title="No tenants yet")


@router.get("/go")
def go(
    request: Request,
    who: Viewer,
    tenant: Annotated[str, Query(max_length=200)] = "",
    section: Annotated[str, Query(alias="from", max_length=40)] = "",
) -> Response:
    """To the same section of another tenant."""
    page = Page(request, who)
    page.engine.tenants.show(tenant, within=who.tenant)
    path = next((one.path for one in SECTIONS if one.title == section), "")
    return page.go(page.at("t", tenant, path))


@router.get("/t/{tenant}")
def home(request: Request, who: Viewer, tenant: str) -> Response:
    page = Page.of(request, who, tenant)
    engine, mine, now = page.engine, page.tenant, page.engine.now()
    since = now - timedelta(days=_DAYS)
    lately = engine.deliveries(within=mine, since=since, limit=_LOOKED_AT)
    early = now - _STUCK
    stuck = [
        one for state in sorted(OPEN) for one in engine.deliveries(within=mine, state=state, until=early, limit=_LISTED)
    ]
    return page.show(
        "home.html.j2",
        title="Home",
        section="Home",
        days=_DAYS,
        now=now,
        failed=[one for one in lately if one.state in (State.DEAD, State.UNKNOWN)][:_LISTED],
        stuck=stuck[:_LISTED],
        waiting=engine.waiting(within=mine, limit=_LISTED),
        paused=engine.destinations(within=mine)[:_LISTED],
        degraded=_distinct(one for one in lately if one.degraded),
        faults=_faults(page),
        unreached=[one for one in lately if one.state is State.SUPPRESSED or _is_unreached(one)][:_LISTED],
        suppressed=engine.suppressions.find(tenant=mine, within=page.within, limit=_LISTED),
        counts=engine.counts(within=mine),
        sent=sum(one.is_good for one in lately),
        is_more=len(lately) == _LOOKED_AT,
    )


def _distinct(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """One of each event type and channel: what is wrong with a pack is wrong with every message."""
    found = {(one.event_type, one.channel): one for one in reversed(list(deliveries))}
    return list(reversed(found.values()))[:_LISTED]


def _is_unreached(one: Delivery) -> bool:
    return any("nobody" in said.casefold() for said in one.warnings)


def _faults(page: Page) -> list[str]:
    """Packs that cannot be read: of all tenants together, so for operators."""
    return list(page.engine.library.faults())[:_LISTED] if page.may("operator") else []
