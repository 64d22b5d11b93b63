"""Pictures in messages: what a pack's `assets/…` becomes, and which of the world's images it may show.

Works on plain data that a script carries: `{"policy", "hosts", "refs"}` as `album` makes it.
"""

import re
from collections.abc import Iterable, Mapping
from html import unescape
from typing import TYPE_CHECKING, Any

from livery import locales
from livery.errors import PackError
from livery.packs.assets import FOLDER, Policy, reference, to_attach, why_refused

if TYPE_CHECKING:
    from livery.packs.chain import PackChain

Album = dict[str, Any]
IMAGES = (
    "src",
    "background",
    "background-url",
    "poster",
    "lowsrc",
    "dynsrc",
    "icon-wrapped-url",
    "icon-unwrapped-url",
    "left-icon",
    "right-icon",
    "thumbnails-src",
)
"""Attributes a mail program fetches a picture for."""
_SOURCE = re.compile(rf"""\b({"|".join(IMAGES)}|srcset)\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)
_FETCHED = re.compile(r"""\s(?:src|background|poster)\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)


def album(packs: "PackChain", policy: Policy, hosts: Iterable[str]) -> tuple[Album, list[str]]:
    """Every image and web font of the packs, the nearest of each name, as plain data; and why some are left out.

    Args:
        packs: whose images they are.
        policy: the operator's.
        hosts: which may be shown images from beside those the policy lists.

    """
    refs: dict[str, Any] = {}
    wrong: list[str] = []
    for pack in packs.packs:
        for path in pack.snapshot.files:
            data = pack.asset(path) if path not in refs else None
            if data is None:
                continue
            try:
                refs[path] = {**reference(path, data, pack.id, policy).plain(), "pack": pack.id, "path": path}
            except PackError as error:
                wrong.append(str(error))
    fonts: dict[str, str] = {}
    known = sorted(hosts)
    for pack in reversed(packs.packs):
        for name, url in pack.manifest.fonts.items():
            if why := why_refused(url, policy, known):
                wrong.append(f"the font {name!r} of {pack.label}: {why}")
            else:
                fonts[name] = url
    return {"policy": policy.plain(), "hosts": known, "refs": refs, "fonts": fonts}, wrong


def source(url: str, pictures: Album) -> str:
    """What stands for an image: the reference of one of the pack's, or its URL.

    Raises:
        PackError: the pack has no such image, or it may not be shown.

    """
    url = "".join(locales.clean(url).split())
    if url.startswith(FOLDER):
        if url not in pictures["refs"]:
            raise PackError(f"there is no image {url!r} in {FOLDER} that can be used")
        return str(pictures["refs"][url]["src"])
    if url.startswith("cid:") and any(url == ref["src"] for ref in pictures["refs"].values()):
        return url
    if why := why_refused(url, Policy.of(pictures["policy"]), pictures["hosts"]):
        raise PackError(f"the image {url[:100]!r}: {why}")
    return url


def placed(mjml: str, pictures: Album, *, passes: re.Pattern[str] | None = None) -> str:
    """MJML with the references of a pack's own images in their places.

    Args:
        mjml: the whole document.
        pictures: see `album`.
        passes: what a source may also be: a word that stands for an event's value, which was looked at before.

    Raises:
        PackError: an image is not there, or may not be shown.

    """

    def one(found: re.Match[str]) -> str:
        value = unescape(found[2][1:-1])
        if not value or (passes is not None and passes.fullmatch(value)):
            return found[0]
        if found[1].lower() == "srcset":
            raise PackError("srcset is not available to packs; one image for all screens")
        stands = source(value, pictures)
        return found[0] if stands == value else f'{found[1]}="{stands}"'

    return _SOURCE.sub(one, mjml)


def check(html: str, pictures: Album, *, passes: re.Pattern[str] | None = None) -> None:
    """See that a page fetches nothing but what `placed` let through.

    Some elements of MJML bring pictures of their own, from hosts nobody asked for: mj-accordion and mj-carousel their
    icons, mj-social-element that of its network.

    Args:
        html: the page.
        pictures: see `album`.
        passes: as for `placed`.

    Raises:
        PackError: it would fetch something else.

    """
    for quoted in dict.fromkeys(_FETCHED.findall(html)):
        value = unescape(quoted[1:-1])
        if not value or (passes is not None and passes.fullmatch(value)):
            continue
        try:
            source(value, pictures)
        except PackError as error:
            fix = (
                "if MJML brought it, name a picture in src, icon-wrapped-url, icon-unwrapped-url, left-icon, right-icon"
            )
            raise PackError(f"{error}; {fix}") from None


def brand_with(tokens: Mapping[str, str], images: Iterable[str], pictures: Album) -> tuple[dict[str, str], list[str]]:
    """Tokens in which each image is what e-mails refer to it by; and those that had to be emptied, with the reason.

    Args:
        tokens: every token.
        images: the names of those that are images.
        pictures: see `album`.

    """
    made, wrong = dict(tokens), []
    for name in images:
        if made.get(name):
            try:
                made[name] = source(made[name], pictures)
            except PackError as error:
                made[name] = ""
                wrong.append(f"brand token {name}: {error}")
    return made, wrong


def attached(html: str, pictures: Album) -> tuple[list[dict[str, Any]], list[str]]:
    """What of `refs` travels with an e-mail, in the order it is referred to; and what there is no room for."""
    if not pictures["refs"] or "cid:" not in html:
        return [], []
    refs = {ref["cid"]: ref for ref in pictures["refs"].values()}
    cids, left_out = to_attach(html, {cid: ref["size"] for cid, ref in refs.items()})
    wrong = [f"image {refs[cid]['path']} left out: an e-mail has no room for so many" for cid in left_out]
    return [refs[cid] for cid in cids], wrong
