"""History: who changed which settings, when and why; and back again."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from livery.errors import SettingsConflict
from livery.http.gate import Admin, Viewer
from livery.http.pages.changing import described, subject
from livery.http.pages.once import Said
from livery.http.pages.routes import Fields, pages
from livery.http.pages.shell import Page

router = pages()
_LISTED = 50


@router.get("/t/{tenant}/settings/history")
def history(request: Request, who: Viewer, tenant: str, below: Annotated[str, Query(max_length=3)] = "") -> Response:
    """Changes at this tenant, or with `below` of everything that they see."""
    page = Page.of(request, who, tenant)
    changes = page.desk.history(None if below else page.tenant, limit=_LISTED + 1)
    return page.show(
        "history.html.j2",
        title="History of settings",
        section="Settings",
        rows=[(one, subject(one.slot), described(one)) for one in changes[:_LISTED]],
        is_more=len(changes) > _LISTED,
        below=bool(below),
        undone={one.undo_of for one in changes if one.undo_of},
    )


@router.post("/t/{tenant}/settings/history/undo")
def undo(request: Request, who: Admin, tenant: str, form: Fields) -> Response:
    """Let stand again what stood before a change; where it was changed again since, ask first."""
    page, change = Page.of(request, who, tenant), form.text("change")
    back = page.here("settings", "history")
    try:
        made = page.desk.undo(change, force=form.has("anyway"))
    except SettingsConflict as error:
        return page.show(
            "conflict.html.j2",
            status=409,
            title="Changed again since",
            section="Settings",
            theirs=[(one, subject(one.slot), described(one)) for one in error.changes],
            about="Undo of the change before",
            yours="Let stand again what stood before it",
            value="",
            action=page.here("settings", "history", "undo"),
            again=[("change", change)],
            back=back,
        )
    return page.go(
        back, Said("Undone. That is a change of its own, and can be undone too.", undo=made[0].id if made else "")
    )
