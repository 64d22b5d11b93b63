"""Packs: which one is in use, which there are, and how one goes live and back."""

import re
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response

from livery.errors import LiveryError, PackError
from livery.http.gate import Admin, Designer, Viewer
from livery.http.limits import UPLOADS
from livery.http.pages.once import Said
from livery.http.pages.routes import Fields, pages, sentence
from livery.http.pages.shell import SECTIONS, Page, Section, unsegment
from livery.packs.findings import Finding
from livery.packs.signatures import SIZE
from livery.packs.stored import PackVersion
from livery.packs.zipped import MAX_ZIP
from livery.packtools.uploading import upload as upload_pack

router = pages()
SECTIONS.append(Section("Packs", "packs", 40))
UPLOADS.append(re.compile(r"/t/[^/]+/packs/upload"))
_LISTED, _LINES = 200, 12


@dataclass(frozen=True, slots=True)
class Row:
    """A pack as the list shows it.

    Attributes:
        what: names it in addresses: the id of a version, or of an installed pack.
        pack: its id.
        of: the tenant that owns it; empty if it is installed for everybody.
        is_live: whether its id means this version here.
        is_used: whether messages are made with it.
        version: if it is of the store.

    """

    what: str
    pack: str
    title: str
    name: str
    of: str
    is_live: bool
    is_used: bool
    version: PackVersion | None = None


@router.get("/t/{tenant}/packs")
def packs(request: Request, who: Viewer, tenant: str) -> Response:
    return _show(Page.of(request, who, tenant))


@router.post("/t/{tenant}/packs/upload")
def upload(request: Request, who: Designer, tenant: str, form: Fields) -> Response:
    """Check a zip, and keep it if nothing is wrong."""
    page = Page.of(request, who, tenant)
    zip_, signed = form.file("zip"), form.file("signature")
    if zip_ is None:
        return _show(page, problem="Choose a zip first.", status=422)
    content = zip_.file.read(MAX_ZIP + 1)
    signature = signed.file.read(SIZE + 1) if signed is not None else None
    try:
        with request.app.state.viewing.turn():
            made = upload_pack(
                page.engine, page.tenant, content, who=who.name, signature=signature, note=form.text("note"),
                within=page.within,
            )  # fmt: skip
    except PackError as error:
        if not error.findings:
            return _show(page, problem=sentence(str(error)), status=422)
        return _show(
            page, problem="This pack was not kept: something in it is wrong.", found=error.findings, status=422
        )
    except LiveryError as error:
        return _show(page, problem=sentence(str(error)), status=409)
    told = f"{made.version.label} is here. Look at it, then let it be live."
    return page.go(page.here("packs", "look", made.version.id), Said(told))


@router.post("/t/{tenant}/packs/activate")
def activate(request: Request, who: Designer, tenant: str, form: Fields) -> Response:
    page = Page.of(request, who, tenant)
    one = page.engine.packs.show(form.text("version"), within=page.within)
    page.engine.packs.activate(page.tenant, one.pack, one.id, who=who.name, note=form.text("note"), within=page.within)
    return page.go(page.here("packs"), Said(f"{one.label} is live at {page.name}, and below it."))


@router.post("/t/{tenant}/packs/rollback")
def roll_back(request: Request, who: Designer, tenant: str, form: Fields) -> Response:
    page, pack = Page.of(request, who, tenant), form.text("pack")
    made = page.engine.packs.roll_back(page.tenant, pack, who=who.name, within=page.within)
    told = f"{made.pack} {made.name} is live again." if made else f"{pack} is live here no more."
    return page.go(page.here("packs"), Said(told))


@router.post("/t/{tenant}/packs/remove")
def remove(request: Request, who: Designer, tenant: str, form: Fields) -> Response:
    page = Page.of(request, who, tenant)
    one = page.engine.packs.remove(form.text("version"), who=who.name, within=page.within)
    return page.go(page.here("packs"), Said(f"{one.label} is removed."))


@router.post("/t/{tenant}/packs/use/{pack}")
def use(request: Request, who: Admin, tenant: str, pack: str, form: Fields) -> Response:
    """Let the tenant's messages be made with a pack: a setting, which can be undone."""
    page, id_ = Page.of(request, who, tenant), unsegment(pack)
    del form  # it was one of ours
    changes = page.desk.change(page.tenant, "set", "pack", id_)
    return page.go(
        page.here("packs"), Said(f"Messages are made with {id_} now.", undo=changes[0].id if changes else "")
    )


def _show(
    page: Page, *, problem: str = "", found: "tuple[Finding, ...] | list[Finding]" = (), status: int = 200
) -> Response:
    engine = page.engine
    rows = _rows(page)
    return page.show(
        "packs.html.j2",
        status=status,
        title="Packs",
        section="Packs",
        rows=rows,
        used=next((one for one in rows if one.is_used), None),
        used_id=engine.packs.used(page.tenant, within=page.within),
        live={one.pack: one for one in engine.packs.active(page.tenant, within=page.within)},
        history=engine.packs.history(page.tenant, within=page.within, limit=_LINES),
        problem=problem,
        found=found,
    )


def _rows(page: Page) -> list[Row]:
    """What the tenant may use: what is in use first, its own, those of above, installed ones."""
    engine = page.engine
    used = engine.packs.used(page.tenant, within=page.within)
    live = {one.pack: one.version for one in engine.packs.active(page.tenant, within=page.within)}
    rows = [
        Row(one.id, one.pack, one.title, one.version, one.tenant, live.get(one.pack) == one.id,
            live.get(one.pack) == one.id and one.pack == used, one)
        for one in engine.packs.list(page.tenant, within=page.within, limit=_LISTED)
    ]  # fmt: skip
    rows += [
        Row(id_, id_, one.manifest.title or id_, one.manifest.version, "", is_live=True, is_used=id_ == used)
        for id_, one in sorted(engine.library.packs.items())
        if one.manifest.adds_to is None and id_ not in live
    ]  # fmt: skip
    return sorted(rows, key=lambda one: (not one.is_used, not one.of))
