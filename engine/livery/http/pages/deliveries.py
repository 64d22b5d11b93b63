"""Deliveries: what was sent, to whom, and why; what became of it."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from livery.errors import NotFound, shown
from livery.http.gate import Viewer
from livery.http.pages.routes import pages
from livery.http.pages.shell import SECTIONS, Page, Section, unsegment
from livery.models.audience import Audience
from livery.models.delivery import Delivery, State
from livery.models.explanation import Planned

router = pages()
SECTIONS.append(Section("Deliveries", "deliveries", 50))
_LISTED = 50


@router.get("/t/{tenant}/deliveries")
def deliveries(
    request: Request,
    who: Viewer,
    tenant: str,
    event: Annotated[str, Query(max_length=400)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The newest first: of one event, or in one state."""
    page = Page.of(request, who, tenant)
    wanted = State(state) if state in set(State) else None
    filters = {"event_id": event or None, "state": wanted, "limit": _LISTED + 1}
    found = page.engine.deliveries(within=page.tenant, **filters)
    return page.show(
        "deliveries.html.j2",
        title="Deliveries",
        section="Deliveries",
        rows=found[:_LISTED],
        is_more=len(found) > _LISTED,
        event=event,
        state=wanted.value if wanted else "",
        states=[one.value for one in State],
        now=page.engine.now(),
    )


@router.get("/t/{tenant}/deliveries/{delivery}")
def one(request: Request, who: Viewer, tenant: str, delivery: str) -> Response:
    """One, with the reasons that were stored with it and each attempt."""
    page = Page.of(request, who, tenant)
    found = _one(page, unsegment(delivery))
    trace = {key: value for key, value in found.trace.items() if key != "audience"}
    return page.show(
        "delivery.html.j2",
        title=f"Delivery {found.id}",
        section="Deliveries",
        one=found,
        planned=Planned.model_validate(trace) if trace else None,
        audience=Audience.model_validate(found.trace.get("audience") or {}),
        attempts=page.engine.attempts(found.id, within=page.tenant),
        now=page.engine.now(),
    )


def _one(page: Page, id_: str) -> Delivery:
    found = [one for one in page.engine.deliveries(within=page.tenant, id_prefix=id_, limit=2) if one.id == id_]
    if not found:
        raise NotFound(f"no delivery is called {shown(id_)}")
    return found[0]
