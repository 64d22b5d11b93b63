"""Images of packs: what may be one, how HTML refers to it, and which hosts others may be shown from.

Pure functions over plain data, so that they run in any process. The same input gives the same output.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from livery.errors import ConfigError, PackError, Problem, shown
from livery.packs.findings import Finding, has_errors
from livery.packs.image_header import look, media_type

FOLDER = "assets/"
"""Where a pack's own images lie; a `src` that begins so means one of them."""
MAX_BYTES = 1024 * 1024
MAX_PIXELS = 10_000
"""Of one side: what a few hundred bytes may claim to be, and a mail client would make room for."""
MAX_TOTAL = 4 * 1024 * 1024
"""Bytes of all images of one e-mail: base64 makes 5.5 MB of them, and many servers take no more than 10."""
_ENDINGS = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
}
_NAMES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WebP"}
_SVG = re.compile(rb"<(?:[A-Za-z]+:)?svg[\s>]", re.IGNORECASE)
_CID = re.compile(r"cid:([\w.+-]+@[\w.-]+)", re.ASCII)
_HTTPS = re.compile(r"https://([^/?#]*)(?:[/?#].*)?", re.IGNORECASE | re.ASCII)
_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# What URL parsers take for an IPv4 address, however odd (https://url.spec.whatwg.org/#ends-in-a-number-checker).
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_MAX_HOST = 253


# --------------------------------------------------------------------------- which hosts


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's settings `[images]`. Hosts are as the DNS knows them, `base_url` has no slash at its end."""

    mode: str = "inline"
    base_url: str = ""
    hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Policy":
        """The policy of settings as plain data, such as `Config.images.model_dump()`.

        Raises:
            ConfigError: a host has no form the DNS knows; all of them.

        """
        given = list(plain.get("hosts", ()))
        hosts = [_pattern(one) for one in given]
        wrong = [
            Problem(f"images.hosts.{number}", "a host name, such as img.example.com or *.img.example.com", shown(one))
            for number, (one, host) in enumerate(zip(given, hosts, strict=True))
            if not host
        ]
        if wrong:
            raise ConfigError("the configuration is wrong:", wrong)
        return cls(plain.get("mode", "inline"), plain.get("base_url", "").rstrip("/"), tuple(dict.fromkeys(hosts)))

    def plain(self) -> dict[str, Any]:
        """As `of` takes it, for crossing processes and for keys of caches."""
        return {"mode": self.mode, "base_url": self.base_url, "hosts": list(self.hosts)}


def why_refused(url: str, policy: Policy, extra_hosts: Iterable[str] = ()) -> str:
    """Why a pack may not show an image or font from `url`; empty if it may.

    Args:
        url: what stands in `src`, `background-url` or `[fonts]`, unescaped. Not for a pack's own images.
        policy: the operator's.
        extra_hosts: hosts that count as listed: `hosts_of` the brand tokens of tenants.

    """
    scheme, colon, _ = url.partition(":")
    if _NOT_IN_A_URL.search(url):
        return "a URL holds no spaces, control characters or backslashes"
    if not (found := _HTTPS.fullmatch(url)):
        is_other = colon and scheme.isalnum() and scheme.lower() != "https"
        return f"{scheme}: is not https:" if is_other else f"is neither a file in {FOLDER} nor a URL with https://"
    if "@" in found[1]:
        return "a URL may hold no user name or password"
    name, colon, port = found[1].partition(":")
    if found[1].startswith("[") or _is_number(host := _host(name)):
        return "a URL needs the name of a host, not its address in numbers"
    if not host:
        return f"{shown(name)} is no name of a host"
    if colon and port != "443":
        return "only port 443 may be used"
    if _is_listed(host, {*policy.hosts, *extra_hosts}) or _is_ours(url, policy):
        return ""
    return f"{host} is not in the operator's images.hosts; ask for it, or put the file into {FOLDER}"


def hosts_of(values: Iterable[str]) -> frozenset[str]:
    """The hosts of the https URLs among `values`: what tenants' brand tokens allow."""
    found = (_HTTPS.fullmatch(value) for value in values if not _NOT_IN_A_URL.search(value))
    names = (_host(one[1].removesuffix(":443")) for one in found if one)
    return frozenset(name for name in names if name and not _is_number(name))


def _is_listed(host: str, hosts: Iterable[str]) -> bool:
    return host in hosts or f"*.{host.partition('.')[2]}" in hosts


def _is_ours(url: str, policy: Policy) -> bool:
    """Whether a URL is exactly one that `reference` gives: nothing in it leads elsewhere on the operator's host."""
    if not policy.base_url or not url.startswith(f"{policy.base_url}/"):
        return False
    return bool(re.fullmatch(r"[a-z0-9][a-z0-9._-]*/[0-9a-f]{64}\.[a-z]+", url[len(policy.base_url) + 1 :]))


def _pattern(text: str) -> str:
    """An entry of `hosts` as hosts are compared with it; empty if it is none."""
    stars, host = ("*.", _host(text[2:])) if text.startswith("*.") else ("", _host(text))
    is_one = host and not _is_number(host) and (not stars or "." in host)
    return f"{stars}{host}" if is_one else ""


def _host(name: str) -> str:
    """A host as the DNS knows it: small letters, ASCII (UTS 46, RFC 5891), no dot at its end; empty if it is none."""
    known = name.lower().removesuffix(".")
    if not known.isascii():
        from email_validator import EmailNotValidError, validate_email

        try:
            known = validate_email(f"x@{known}", check_deliverability=False, test_environment=True).ascii_domain.lower()
        except EmailNotValidError:
            return ""
    is_name = len(known) <= _MAX_HOST and all(_LABEL.fullmatch(label) for label in known.split("."))
    return known if is_name else ""


def _is_number(host: str) -> bool:
    return bool(_NUMBER.fullmatch(host.rpartition(".")[2]))


# --------------------------------------------------------------------------- what may be an image


def findings(path: str, data: bytes, pack_id: str = "") -> list[Finding]:
    """Everything that is wrong with an image of a pack."""
    return [
        Finding(
            severity="warning" if rule == "image-support" else "error",
            rule=rule,
            message=message,
            fix=fix,
            pack=pack_id,
            file=path,
        )
        for rule, message, fix in _faults(path, data)
    ]


def _faults(path: str, data: bytes) -> Iterator[tuple[str, str, str]]:
    """(rule, message, fix) of each."""
    if not _is_inside(path):
        yield "image-path", f"images of a pack lie in {FOLDER}", f"call it {FOLDER}{path.rpartition('/')[2]}"
    if len(data) > MAX_BYTES:
        size = f"has {len(data) / 1024:,.0f} KiB, and an image may have {MAX_BYTES // 1024:,}"
        yield "image-bytes", size, "make it smaller"
    kind, ending = media_type(data), path.rpartition(".")[2].lower()
    if not kind:
        yield "image-type", *_unknown(data, ending)
        return
    if ending not in _ENDINGS[kind]:
        name = path.rpartition("/")[2]
        stem = name.rpartition(".")[0] or name
        yield "image-name", f"is {_NAMES[kind]} by its content", f"call it {stem}.{_ENDINGS[kind][0]}"
    seen = look(data)
    if seen is None or not seen.width or not seen.height:
        yield "image-pixels", "is cut short, or does not say how large it is", "save it again"
    elif max(seen.width, seen.height) > MAX_PIXELS:
        size = f"has {seen.width:,} by {seen.height:,} pixels, and a side may have {MAX_PIXELS:,}"
        yield "image-pixels", size, "make it smaller"
    if kind == "image/webp":
        yield "image-support", "is WebP, which classic Outlook for Windows does not show", "save it as PNG or JPEG"


def _unknown(data: bytes, ending: str) -> tuple[str, str]:
    if ending in ("svg", "svgz") or _SVG.search(data[:4096]):
        return "is SVG, which Gmail and Outlook do not show and which can hold script", "save it as PNG"
    return "is not PNG, JPEG, GIF or WebP by its first bytes", "save it as PNG or JPEG"


def _is_inside(path: str) -> bool:
    """Whether a path leads into the folder of images and nowhere else."""
    first, *rest = path.split("/")
    return f"{first}/" == FOLDER and bool(rest) and not {"", ".", ".."} & {*rest} and "\\" not in path


# --------------------------------------------------------------------------- how HTML refers to it


@dataclass(frozen=True, slots=True)
class Ref:
    """How a pack's image is referred to."""

    src: str
    """What stands in HTML for it: a `cid:` URL, or `url`."""
    url: str
    """Where it is served; empty if the operator serves none. All that channels other than e-mail can show."""
    cid: str
    """Its Content-ID without angle brackets: stable, and the same for the same content in any pack."""
    media_type: str
    filename: str
    sha256: str
    width: int
    height: int
    size: int
    """Bytes."""

    def plain(self) -> dict[str, Any]:
        """All fields: `Ref(**ref.plain())` is the same again."""
        return asdict(self)


def reference(path: str, data: bytes, pack_id: str, policy: Policy) -> Ref:
    """How HTML refers to an image of a pack, by the operator's policy.

    Args:
        path: inside the pack, such as `assets/logo.png`.
        data: the file.
        pack_id: of the pack that has the file, not of the one that asks for it.
        policy: the operator's.

    Raises:
        PackError: it is no image that may be sent; says all that is wrong with it.

    """
    found = findings(path, data, pack_id)
    if has_errors(found):
        said = "; ".join(f"{one.message}; {one.fix}" for one in found if one.severity == "error")
        raise PackError(said, pack=pack_id, file=path)
    seen = look(data)
    assert seen is not None, "an image without findings was understood"
    digest = sha256(data).hexdigest()
    cid = f"{digest[:32]}@livery"
    name = f"{quote(pack_id, safe='')}/{digest}.{_ENDINGS[seen.media_type][0]}"
    url = f"{policy.base_url}/{name}" if policy.base_url else ""
    return Ref(
        src=url if policy.mode == "link" else f"cid:{cid}",
        url=url,
        cid=cid,
        media_type=seen.media_type,
        filename=path.rpartition("/")[2],
        sha256=digest,
        width=seen.width,
        height=seen.height,
        size=len(data),
    )


def images_in(html: str) -> list[str]:
    """The cids that HTML refers to, each once, in the order of first use; those in style sheets and comments too."""
    return list(dict.fromkeys(_CID.findall(html))) if "cid:" in html else []


def embedded(html: str, images: Mapping[str, tuple[str, bytes]]) -> str:
    """`html` with its images inside, as `data:` URLs: for browsers and previews. Mail clients do not show these.

    Args:
        html: as it goes out.
        images: (media type, bytes) by cid; other cids stay.

    """

    def replaced(found: re.Match[str]) -> str:
        if found[1] not in images:
            return found[0]
        kind, data = images[found[1]]
        return f"data:{kind};base64,{b64encode(data).decode()}"

    return _CID.sub(replaced, html)


def to_attach(html: str, sizes: Mapping[str, int], room: int = MAX_TOTAL) -> tuple[list[str], list[str]]:
    """Which images go out with an e-mail: (cids to attach, cids it has no room for), in the order of first use.

    Args:
        html: as it goes out.
        sizes: bytes of each image there is, by cid; other cids in `html` are passed over.
        room: bytes of all of them.

    """
    attached: list[str] = []
    left_out: list[str] = []
    for cid in images_in(html):
        if cid not in sizes:
            continue
        (attached if sizes[cid] <= room else left_out).append(cid)
        room -= sizes[cid] if sizes[cid] <= room else 0
    return attached, left_out
