"""A pack to look at: each message in a frame that can do nothing, what was found in it, and what has moved under it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, Response

from livery.errors import NotFound, PackError
from livery.http.gate import Viewer
from livery.http.pages.routes import pages, sentence
from livery.http.pages.shell import Page, unsegment
from livery.packtools import drift
from livery.packtools.viewing import Viewing
from livery.studio import mail
from livery.studio.bench import Bench
from livery.studio.cases import SCHEMES, WIDTHS, Case, Device, Scheme, language
from livery.studio.pages import Pages, height

router = pages()
Choice = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see of a pack; what there is not gives way to what there is."""

    notification: str = ""
    locale: str = ""
    sample: str = ""
    channel: str = ""
    device: str = ""
    scheme: str = ""

    def of(self, cases: Iterable[Case]) -> Case | None:
        """The case that fits best: of the notification first, then in the language, of the sample, by the channel."""
        found = list(cases)
        for name, wanted in (("notification", self.notification), ("locale", self.locale)):
            found = [one for one in found if getattr(one, name) == wanted] or found
        found = [one for one in found if one.sample.name == self.sample] or found
        found = [one for one in found if one.channel.name == self.channel] or found
        return found[0] if found else None


@router.get("/t/{tenant}/packs/look/{what}")
def look(  # noqa: PLR0913 - each is a switch of the page
    request: Request,
    who: Viewer,
    tenant: str,
    what: str,
    notification: Choice = "",
    locale: Choice = "",
    sample: Choice = "",
    channel: Choice = "",
    device: Choice = "",
    scheme: Choice = "",
) -> Response:
    """One message as its readers see it."""
    page, what = Page.of(request, who, tenant), unsegment(what)
    wish = Wish(
        notification, locale, sample, channel, device if device in WIDTHS else "desktop",
        scheme if scheme in SCHEMES else "light",
    )  # fmt: skip
    try:
        with viewing(request).bench(page.tenant, what, within=page.within) as bench:
            return _looked(page, what, bench, wish)
    except PackError as error:
        return _broken(page, what, error)


@router.get("/t/{tenant}/packs/frame/{what}/{slug}/{scheme}")
def frame(request: Request, who: Viewer, tenant: str, what: str, slug: str, scheme: str) -> Response:
    """The document in a frame: somebody else's, so it may run nothing, fetch nothing and go nowhere."""
    page, what = Page.of(request, who, tenant), unsegment(what)
    shown: Scheme = "dark" if scheme == "dark" else "light"
    with viewing(request).bench(page.tenant, what, within=page.within) as bench:
        document = Pages(bench.id, bench, page.tenant).frame(bench.look(slug), shown)
    ancestors = " ".join(("'self'", *page.engine.config.server.frame_ancestors))
    policy = f"sandbox; {mail.content_policy(remote_images=False)}; frame-ancestors {ancestors}"
    return HTMLResponse(
        document,
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-DNS-Prefetch-Control": "off",
        },
    )


@router.get("/t/{tenant}/packs/findings/{what}")
def findings(request: Request, who: Viewer, tenant: str, what: str) -> Response:
    """What `livery pack check` says of it now, as this tenant has it."""
    page, what = Page.of(request, who, tenant), unsegment(what)
    report = viewing(request).report(page.tenant, what, within=page.within)
    return page.show(
        "pack_findings.html.j2",
        title=f"Findings in {report.label or report.pack}",
        section="Packs",
        what=what,
        report=report,
        counts={severity: report.count(severity) for severity in ("error", "warning", "note")},
    )


@router.get("/t/{tenant}/packs/drift/{what}")
def moved(request: Request, who: Viewer, tenant: str, what: str) -> Response:
    """What it has copied from its parents, and where they have moved on since."""
    page, what = Page.of(request, who, tenant), unsegment(what)
    try:
        with viewing(request).bench(page.tenant, what, within=page.within) as bench:
            label, rests = bench.packs.asked.label, drift.rests(bench.packs)
    except PackError as error:
        return _broken(page, what, error)
    return page.show(
        "pack_drift.html.j2", title=f"Drift of {label}", section="Packs", what=what, label=label, rests=rests
    )


def viewing(request: Request) -> Viewing:
    """The benches of the service."""
    found: Viewing = request.app.state.viewing
    return found


def _looked(page: Page, what: str, bench: Bench, wish: Wish) -> Response:
    cases = list(bench.cases.values())
    case = wish.of(cases)
    if case is None:
        raise NotFound(f"{bench.label} says nothing of any event type that there is here")
    seen = bench.look(case.slug)
    device: Device = "phone" if wish.device == "phone" else "desktop"
    same = [one for one in cases if one.notification == case.notification]
    here = {
        "notification": case.notification, "locale": case.locale, "sample": case.sample.name,
        "channel": case.channel.name, "device": wish.device, "scheme": wish.scheme,
    }  # fmt: skip

    def ways(name: str, options: Sequence[tuple[str, str]]) -> list[tuple[str, str, bool]]:
        """Links to the same in another way."""
        return [
            (shown, page.here("packs", "look", what, **{**here, name: value}), here[name] == value)
            for value, shown in dict.fromkeys(options)
        ]

    return page.show(
        "pack_look.html.j2",
        title=bench.title,
        section="Packs",
        what=what,
        bench=bench,
        case=case,
        look=seen,
        here=here,
        notifications=list(dict.fromkeys(one.notification for one in cases)),
        locales=[(tag, language(tag)) for tag in dict.fromkeys(one.locale for one in same)],
        samples=list(dict.fromkeys((one.sample.name, one.sample.title) for one in same)),
        channels=ways("channel", [(one.channel.name, one.channel_title) for one in same]),
        devices=ways("device", [("desktop", "Desktop"), ("phone", "Phone")]),
        schemes=ways("scheme", [("light", "Light"), ("dark", "Dark")]),
        frame=page.here("packs", "frame", what, case.slug, wish.scheme),
        width=WIDTHS[device],
        height=height(seen, device, Pages(bench.id, bench, page.tenant).drawing(seen)),
    )


def _broken(page: Page, what: str, error: PackError) -> Response:
    """A pack that cannot be opened: why, in place of what it looks like."""
    return page.show(
        "pack_broken.html.j2",
        status=422,
        title="This pack cannot be opened",
        section="Packs",
        what=what,
        problem=sentence(str(error).splitlines()[0]),
        found=error.findings,
    )
