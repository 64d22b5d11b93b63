"""Our own static files, and the style sheet of a tenant's brand."""

from importlib.resources.abc import Traversable
from typing import Final

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from livery.http.gate import PUBLIC, Viewer
from livery.http.pages.drawing import STATIC
from livery.http.pages.routes import pages
from livery.http.pages.shell import Page

router = pages()
KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"


@router.get("/static/{name}", dependencies=[PUBLIC])
def static(name: str) -> Response:
    """A file; pages name its version beside it, so that it may be kept."""
    kind = KINDS.get(name.rpartition(".")[2])
    found = _found(name) if kind else None
    if found is None:
        raise HTTPException(404)
    headers = {
        "Cache-Control": _FOREVER,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'",
    }
    return Response(found.read_bytes(), media_type=kind, headers=headers)


@router.get("/t/{tenant}/brand.css")
def brand(request: Request, who: Viewer, tenant: str) -> Response:
    """The tenant's colours. Named by what is in it, so it may be kept for a while."""
    css = Page.of(request, who, tenant).brand.css
    headers = {"Cache-Control": "private, max-age=300", "X-Content-Type-Options": "nosniff"}
    return Response(css, media_type="text/css", headers=headers)


def _found(name: str) -> Traversable | None:
    return next((one for one in STATIC.iterdir() if one.name == name), None)
