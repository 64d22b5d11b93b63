"""Who is signed in: one's own sessions, of admins those of their people too; each can be ended."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import Response

from livery.http.gate import Viewer
from livery.http.pages.once import Said
from livery.http.pages.routes import Fields, pages
from livery.http.pages.shell import Page
from livery.http.sessions import signed_out
from livery.identity.sessions import Session
from livery.models.identity import Role

router = pages()
_LISTED = 200


@router.get("/sessions")
def sessions(request: Request, who: Viewer) -> Response:
    page = Page(request, who)
    mine, others = _found(page)
    return page.show(
        "sessions.html.j2",
        title="Who is signed in",
        mine=mine,
        others=others[:_LISTED] if who.may(Role.ADMIN) else [],
        is_more=len(others) > _LISTED,
        now=page.engine.now(),
    )


@router.post("/sessions/end")
def end(request: Request, who: Viewer, form: Fields) -> Response:
    """Sign out in one browser; or with `others`, wherever else one is signed in."""
    page = Page(request, who)
    mine, others = _found(page)
    if form.has("others"):
        ended = [one for one in mine if one.id != who.id]
        for one in ended:
            page.engine.sessions.revoke(one.id, within=who.tenant)
        return page.go(page.at("sessions"), Said(f"Signed out elsewhere: {len(ended)}."))
    id_ = form.text("session")
    may_end = [*mine, *(others if who.may(Role.ADMIN) else [])]
    if not any(one.id == id_ for one in may_end):
        return page.go(page.at("sessions"), Said("This session was over already.", kind="warn"))
    page.engine.sessions.revoke(id_, within=who.tenant)
    if id_ == who.id:
        return signed_out(page.go(page.at("sign-in"), Said("You have signed out.")), request)
    return page.go(page.at("sessions"), Said("That session is over."))


def _found(page: Page) -> tuple[Sequence[Session], list[Session]]:
    """One's own, and those of others who act for the same tenant or one below it."""
    assert page.who is not None, "the gate let them in"
    found = page.engine.sessions.list(within=page.who.tenant)
    me = next((one.principal for one in found if one.id == page.who.id), None)
    mine = [one for one in found if one.principal == me]
    return mine, [one for one in found if one.principal != me]
