"""Deliveries: what was sent, to whom, and why; what became of it, and sending it again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from livery.errors import InputError, NotFound, Problem, shown
from livery.http.api.common import after, cursor_of
from livery.http.gate import Admin, Viewer
from livery.http.pages import words
from livery.http.pages.once import Said
from livery.http.pages.routes import Fields, pages
from livery.http.pages.sent import SANDBOX, document, sent
from livery.http.pages.sheet import lines
from livery.http.pages.shell import SECTIONS, Page, Section, unsegment
from livery.models.audience import Audience
from livery.models.delivery import OPEN, Attempt, Delivery, State
from livery.models.explanation import Planned
from livery.ports import Intervention, Who
from livery.telemetry import TRACE

router = pages()
SECTIONS.append(Section("Deliveries", "deliveries", 50))
_LISTED, _EXPORTED, _AT_ONCE = 50, 50_000, 500
Text = Annotated[str, Query(max_length=400)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for, as its form has it; empty is anything."""

    state: str = ""
    channel: str = ""
    event: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, request: Request) -> Self:
        given = request.query_params
        return cls(**{name: given.get(name, "").strip()[:400] for name in cls.__slots__})

    def filters(self) -> dict[str, Any]:
        """The same as the engine is asked.

        Raises:
            InputError: a day is none.

        """
        return {
            "state": State(self.state) if self.state in set(State) else None,
            "channel": self.channel or None,
            "event_id": self.event or None,
            "since": _day("since", self.since),
            "until": _day("until", self.until),
        }

    def given(self) -> dict[str, str]:
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}


@router.get("/t/{tenant}/deliveries")
def deliveries(request: Request, who: Viewer, tenant: str, cursor: Text = "") -> Response:
    """The newest first, a page at a time; the first page is looked at again every few seconds."""
    page, wanted = Page.of(request, who, tenant), Wanted.of(request)
    asked = {**wanted.filters(), "after": after(cursor or None), "limit": _LISTED + 1}
    found = page.engine.deliveries(within=page.tenant, **asked)
    rows = found[:_LISTED]
    is_more = len(found) > _LISTED
    return page.show(
        "deliveries.html.j2",
        title="Deliveries",
        section="Deliveries",
        rows=rows,
        next=cursor_of(rows[-1].created_at, rows[-1].id) if is_more else "",
        is_first=not cursor,
        wanted=wanted,
        states=[one.value for one in State],
        channels=sorted(page.engine.channels.types),
        now=page.engine.now(),
    )


@router.get("/t/{tenant}/deliveries.csv")
def sheet(request: Request, who: Viewer, tenant: str) -> Response:
    """All that fit, as a sheet."""
    page, filters = Page.of(request, who, tenant), Wanted.of(request).filters()
    headers = {"Content-Disposition": 'attachment; filename="deliveries.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(_all(page, filters)), media_type="text/csv; charset=utf-8", headers=headers)


def _all(page: Page, filters: dict[str, Any]) -> Iterator[Delivery]:
    at: tuple[datetime, str] | None = None
    for _ in range(_EXPORTED // _AT_ONCE):
        found = page.engine.deliveries(within=page.tenant, after=at, limit=_AT_ONCE, **filters)
        yield from found
        if len(found) < _AT_ONCE:
            return
        at = found[-1].created_at, found[-1].id


@router.get("/t/{tenant}/deliveries/{delivery}")
def one(request: Request, who: Viewer, tenant: str, delivery: str) -> Response:
    """One, with the reasons that were stored with it, each attempt, and the message as it was sent."""
    page = Page.of(request, who, tenant)
    found = _one(page, delivery)
    trace = {key: value for key, value in found.trace.items() if key not in ("audience", TRACE)}
    attempts = page.engine.attempts(found.id, within=page.tenant)
    by_hand = page.engine.interventions_of(page.tenant).audit(found.id)
    wire = page.engine.wire(found.id, within=page.tenant)
    return page.show(
        "delivery.html.j2",
        title=f"Delivery {found.id}",
        section="Deliveries",
        one=found,
        planned=Planned.model_validate(trace) if trace else None,
        audience=Audience.model_validate(found.trace.get("audience") or {}),
        steps=_timeline(found, attempts, by_hand),
        message=None if wire is None else sent(wire, page.engine.channels.kind(found.channel).suffix),
        is_open=found.state in OPEN,
        now=page.engine.now(),
    )


@router.get("/t/{tenant}/deliveries/{delivery}/message")
def message(
    request: Request, who: Viewer, tenant: str, delivery: str, scheme: Literal["light", "dark"] = "light"
) -> Response:
    """The HTML of an e-mail, for a frame in which nothing of it can do anything."""
    page = Page.of(request, who, tenant)
    found = _one(page, delivery)
    wire = page.engine.wire(found.id, within=page.tenant)
    shown_ = None if wire is None else sent(wire, page.engine.channels.kind(found.channel).suffix)
    if shown_ is None or not shown_.html:
        raise NotFound("There is no such message to look at")
    return HTMLResponse(document(shown_, scheme), headers=SANDBOX)


@router.get("/t/{tenant}/deliveries/{delivery}/file")
def file(request: Request, who: Viewer, tenant: str, delivery: str) -> Response:
    """The exact bytes, to be kept."""
    page = Page.of(request, who, tenant)
    found = _one(page, delivery)
    wire = page.engine.wire(found.id, within=page.tenant)
    if wire is None:
        raise NotFound("There is no such message to have")
    name = f"{found.id}{page.engine.channels.kind(found.channel).suffix}"
    headers = {**SANDBOX, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(wire, media_type="application/octet-stream", headers=headers)


@router.post("/t/{tenant}/deliveries/{delivery}/{what}")
def by_hand(
    request: Request, who: Admin, tenant: str, delivery: str, what: Literal["retry", "cancel"], form: Fields
) -> Response:
    """Send it again, or give it up."""
    page = Page.of(request, who, tenant)
    found, desk = _one(page, delivery), page.engine.interventions_of(page.tenant)
    asks = Who(who.name, form.text("why")[:400])
    if what == "cancel":
        (done,) = desk.cancel([found.id], asks)
    else:
        (done,) = desk.retry([found.id], asks, fresh=form.has("fresh"))
    if not done.done:
        return page.go(page.here("deliveries", found.id), Said(f"Nothing was done: {done.said}.", kind="warn"))
    said = {"cancel": "It was given up.", "retry": "It is sent again." if done.result else "It is tried now."}[what]
    return page.go(page.here("deliveries", done.result or found.id), Said(said))


def _timeline(
    one: Delivery, attempts: list[Attempt], by_hand: list[Intervention]
) -> list[tuple[datetime, str, str, str]]:
    """What happened when: the moment, what, more about it, and whether it is good, bad or neither."""
    steps = [(one.created_at, "Planned", "", "")]
    for each in attempts:
        outcome = each.outcome
        kind = (
            "good" if outcome.status in ("delivered", "accepted") else "bad" if outcome.status == "failed" else "wait"
        )
        why = outcome.reason.value.replace("_", " ") if outcome.reason else ""
        told = " ".join(filter(None, (why, outcome.code, outcome.detail)))
        steps.append(
            (each.started_at, f"Attempt {each.number}: {outcome.status}, {each.duration_ms:.0f} ms", told, kind)
        )
    for done in by_hand:
        about = ": ".join(filter(None, (f"by {done.actor}", done.why)))
        steps.append((done.at, f"{done.action.capitalize()} by hand", about, ""))
    if one.settled_at:
        steps.append(
            (one.settled_at, f"Settled: {words.state(one.state.value).lower()}", "", "good" if one.is_good else "bad")
        )
    elif one.state in OPEN:
        steps.append((one.due_at, "Next attempt", "", "wait"))
    if one.purged_at:
        steps.append((one.purged_at, "Personal text removed", "", ""))
    return sorted(steps, key=lambda step: step[0])


def _one(page: Page, part: str) -> Delivery:
    id_ = unsegment(part)
    found = page.engine.delivery(id_, within=page.tenant)
    if found is None:
        raise NotFound(f"no delivery is called {shown(id_)}")
    return found


def _day(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        problem = Problem(name, "a day, such as 2026-12-01", shown(text))
        raise InputError("this cannot be looked for:", [problem]) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
