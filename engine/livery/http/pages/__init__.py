"""The pages: server-rendered, one module for each part, over the same engine and behind the same gate as the API.

A new page is a module here and a template in `web/`:

    router = pages()                                          # routes of pages answer errors as pages
    SECTIONS.append(Section("Packs", "packs", 40))            # if it is an entry of the navigation

    @router.get("/t/{tenant}/packs")
    def packs(request: Request, who: Viewer, tenant: str) -> Response:
        page = Page.of(request, who, tenant)                  # 404 if the tenant is not theirs
        return page.show("packs.html.j2", title="Packs", section="Packs", packs=...)

    @router.post("/t/{tenant}/packs/{pack}/activate")
    def activate(request: Request, who: Designer, tenant: str, pack: str, form: Fields) -> Response:
        page = Page.of(request, who, tenant)                  # `Fields` has checked that the form is ours
        ...                                                   # engine calls take within=page.within
        return page.go(page.here("packs"), Said("The pack is in use."))

- Handlers are plain functions: they run in a thread. `who: Viewer` (`Designer`, `Admin`, `Operator`) is the rule.
- Addresses come from `page.here("packs", id, q="x")` for the tenant's and `page.at(...)` for others; parts are
  quoted, so ids in paths are read with `unsegment`. The service may be mounted under any prefix.
- A form that changes something holds `{{ parts.token() }}`, and is answered by `page.go` (303) or by a page that says
  what is wrong. `parts.live(address)` in the `<form>` tag lets htmx do the same without loading the page anew; it has
  to work without, too. Macros for lists, tabs, badges and empty states are in `web/parts.html.j2`.
- A template extends `layout.html.j2` and fills `page`. Values are escaped; text of events and of people goes into
  `<bdi>` or an element with `dir="auto"`. No script, no style in a template: the policy lets neither run. Classes are
  in `static/pages.css`.
- LiveryErrors need not be caught: they are shown as pages, in their own words.
"""

from livery.http.pages import (
    deliveries,
    destinations,
    explaining,
    general,
    history,
    home,
    pack_look,
    packs,
    settings,
    signed_in,
    signing_in,
    static_files,
    times,
)

_PARTS = (
    *(static_files, signing_in, signed_in, home, settings, destinations, general, times, history, explaining),
    *(deliveries, packs, pack_look),
)
ROUTERS = [one.router for one in _PARTS]
