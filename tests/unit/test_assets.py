"""Images of packs: what may be one, how HTML refers to it, and which hosts others may be shown from."""

import json
import struct
import zlib
from base64 import b64encode
from hashlib import sha256
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from livery.config import Config
from livery.errors import ConfigError, PackError
from livery.packs import assets
from livery.packs.assets import Policy, Ref, reference, why_refused
from livery.packs.image_header import Look, look

INLINE = Policy()
LINK = Policy("link", "https://static.example/packs")


def png(width=2, height=3):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0\0" * 3)) + chunk(b"IEND", b"")


def jpeg(width=2, height=3, *, before=b"", frame=0xC2):
    start = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + before
    return start + struct.pack(">BBHBHHB", 0xFF, frame, 11, 8, height, width, 1) + b"\x01\x11\0\xff\xd9"


def gif(width=2, height=3, frames=()):
    data = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    for left, top, across, down in frames:
        data += b"\x21\xf9\x04\0\0\0\0\0"
        data += struct.pack("<BHHHHB", 0x2C, left, top, across, down, 0x81) + b"\0" * 12 + b"\x02\x02\x44\x01\0"
    return data + b"\x3b"


def riff(chunk):
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def webp(width=2, height=3):
    return riff(b"VP8 " + struct.pack("<I", 10) + b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height))


def webp_lossless(width=2, height=3):
    return riff(b"VP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", width - 1 | (height - 1) << 14))


def webp_extended(width=2, height=3):
    sides = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return riff(b"VP8X" + struct.pack("<I", 10) + b"\x10\0\0\0" + sides)


MAKERS = {
    png: ("image/png", "png", 2**31 - 1),
    jpeg: ("image/jpeg", "jpg", 2**16 - 1),
    gif: ("image/gif", "gif", 2**16 - 1),
    webp: ("image/webp", "webp", 2**14 - 1),
    webp_lossless: ("image/webp", "webp", 2**14),
    webp_extended: ("image/webp", "webp", 2**24),
}
EVERY_KIND = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def rules(path, data):
    return [one.rule for one in assets.findings(path, data, "acme")]


# --------------------------------------------------------------------------- what may be an image


@EVERY_KIND
@given(numbers=st.data())
def test_the_size_is_read_from_the_header(make, numbers):
    kind, _, most = MAKERS[make]
    width, height = numbers.draw(st.integers(1, most)), numbers.draw(st.integers(1, most))
    assert look(make(width, height)) == Look(kind, width, height)


@EVERY_KIND
def test_an_image_of_each_kind_is_taken(make):
    kind, ending, _ = MAKERS[make]
    ref = reference(f"assets/logo.{ending}", make(640, 320), "acme", INLINE)
    assert (ref.media_type, ref.width, ref.height, ref.filename) == (kind, 640, 320, f"logo.{ending}")


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "JPG"])
def test_both_endings_of_jpeg_are_right_in_any_case(ending):
    assert rules(f"assets/photo.{ending}", jpeg()) == []


def test_the_frame_of_a_jpeg_is_found_behind_other_segments():
    exif = b"\xff\xe1\x00\x08\xff\xc0\x00\x0b\x08\x00" + b"\xff\xff\xdb\x00\x03\x00"
    assert look(jpeg(7, 9, before=exif)) == Look("image/jpeg", 7, 9)


@pytest.mark.parametrize("marker", [0xC4, 0xC8, 0xCC])
def test_what_is_numbered_like_a_frame_of_a_jpeg_and_is_none_is_passed_over(marker):
    other = struct.pack(">BBH", 0xFF, marker, 9) + b"\x08" + struct.pack(">HH", 1, 1) + b"\0\0"
    assert look(jpeg(7, 9, before=other)) == Look("image/jpeg", 7, 9)


def test_a_frame_larger_than_a_gifs_screen_counts():
    assert look(gif(1, 1, frames=[(0, 0, 1, 1), (100, 200, 65_000, 65_000)])) == Look("image/gif", 65_100, 65_200)


@EVERY_KIND
def test_an_image_of_too_many_pixels_is_refused(make):
    _, ending, _ = MAKERS[make]
    for width, height in ((10_001, 1), (1, 10_001)):
        assert "image-pixels" in rules(f"assets/logo.{ending}", make(width, height))
    assert "image-pixels" not in rules(f"assets/logo.{ending}", make(10_000, 10_000))


@EVERY_KIND
def test_an_image_cut_short_is_refused_or_shows_its_size_already(make):
    whole = make()
    for end in range(len(whole)):
        assert look(whole[:end]) in (None, Look(MAKERS[make][0], 0, 0), look(whole))
    assert rules(f"assets/logo.{MAKERS[make][1]}", whole[:9]) != []


@pytest.mark.parametrize(
    "data",
    [
        png(0, 5),
        png(5, 0),
        jpeg(5, 0),
        gif(0, 0),
        webp(0, 4),
        b"\xff\xd8\xff\xd9\0\0",
        b"\xff\xd8\xff\xda\0\x02",
        jpeg(before=b"\xff\xda\0\x02"),
    ],
)
def test_an_image_without_a_size_is_refused(data):
    [rule] = {*rules("assets/logo.png", data)} - {"image-name", "image-support"}
    assert rule == "image-pixels"


def test_a_mebibyte_is_the_most():
    start = png()
    assert rules("assets/logo.png", start.ljust(1024 * 1024, b"\0")) == []
    [found] = assets.findings("assets/logo.png", start.ljust(1024 * 1024 + 1, b"\0"), "acme")
    assert (found.rule, found.severity) == ("image-bytes", "error")
    assert "has 1,024 KiB, and an image may have 1,024" in found.message


SVG = b'<?xml version="1.0"?>\n<!-- x --><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("name", "data"),
    [("logo.svg", SVG), ("logo.png", SVG), ("logo.png", b"\xef\xbb\xbf <SVG\n>"), ("l.svg", b"<x:svg "), ("logo.svgz", b"\x1f\x8b\x08")],
)  # fmt: skip
def test_svg_is_refused_with_the_reason(name, data):
    [found] = assets.findings(f"assets/{name}", data, "acme")
    assert found.rule == "image-type"
    assert str(found) == (
        f"assets/{name}: is SVG, which Gmail and Outlook do not show and which can hold script; save it as PNG"
    )


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"BM" + b"\0" * 60, b"II*\0", b"%PDF-1.7", b"\0\0\0\x1cftypavif", b"RIFF0000WAVE"]
)
def test_what_is_no_image_by_its_first_bytes_is_refused_whatever_it_is_called(data):
    assert rules("assets/logo.png", data) == ["image-type"]


@pytest.mark.parametrize(
    ("path", "data", "name"),
    [("assets/a.b.png", jpeg(), "a.b.jpg"), ("assets/x.jpg", png(), "x.png"), ("assets/logo", gif(), "logo.gif")],
)
def test_the_ending_must_be_that_of_the_content(path, data, name):
    [found] = assets.findings(path, data, "acme")
    assert (found.rule, found.fix) == ("image-name", f"call it {name}")


@pytest.mark.parametrize(
    "path",
    ["logo.png", "layouts/logo.png", "/assets/logo.png", "assets/../logo.png", "assets//logo.png", "assets/./logo.png",
     "assets\\logo.png", "assets/a\\..\\logo.png", "Assets/logo.png", "../assets/logo.png"],
)  # fmt: skip
def test_images_lie_in_assets_and_nowhere_else(path):
    assert rules(path, png()) == ["image-path"]
    assert rules("assets/brand/logo.png", png()) == []


def test_webp_is_taken_with_a_warning():
    [found] = assets.findings("assets/logo.webp", webp(), "acme")
    assert (found.severity, found.rule) == ("warning", "image-support")
    assert "Outlook" in found.message


def test_everything_that_is_wrong_is_said_at_once():
    data = png(20_000, 1).ljust(2 * 1024 * 1024, b"\0")
    assert rules("logo.jpg", data) == ["image-path", "image-bytes", "image-name", "image-pixels"]
    with pytest.raises(PackError) as caught:
        reference("logo.jpg", data, "acme", INLINE)
    said = str(caught.value)
    assert said.startswith("pack 'acme' logo.jpg: ")
    assert all(part in said for part in ("lie in assets/", "2,048 KiB", "call it logo.png", "20,000 by 1 pixels"))


STARTS = st.sampled_from(
    [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8X", b"RIFF\0\0\0\0WEBPVP8 ",
     b"RIFF\0\0\0\0WEBPVP8L", gif()[:-1], jpeg()[:20], png()[:12]]
)  # fmt: skip


@given(start=STARTS, rest=st.binary(max_size=200), path=st.text(max_size=30))
def test_any_bytes_under_any_name_are_an_image_or_a_pack_error(start, rest, path):
    data = start + rest
    for name in (path, f"assets/{path}.png", "assets/x.gif", "assets/x.jpg"):
        try:
            ref = reference(name, data, "acme", INLINE)
        except PackError:
            continue
        assert 0 < ref.width <= 10_000
        assert 0 < ref.height <= 10_000
        assert ref.size == len(data)


# --------------------------------------------------------------------------- how HTML refers to it


def test_inline_is_a_cid_of_the_content():
    data = png()
    ref = reference("assets/logo.png", data, "acme", INLINE)
    digest = sha256(data).hexdigest()
    assert (ref.src, ref.cid, ref.url) == (f"cid:{digest[:32]}@livery", f"{digest[:32]}@livery", "")
    assert (ref.sha256, ref.size) == (digest, len(data))


def test_link_is_a_url_of_the_content_that_never_means_another():
    data = jpeg()
    ref = reference("assets/photo.jpeg", data, "acme", LINK)
    assert ref.src == ref.url == f"https://static.example/packs/acme/{sha256(data).hexdigest()}.jpg"
    assert reference("assets/photo.jpeg", jpeg(5, 5), "acme", LINK).url != ref.url


def test_the_same_content_is_one_image_in_an_email_and_a_file_of_each_pack_where_it_is_served():
    refs = [reference(path, png(), pack, LINK) for path, pack in (("assets/a.png", "one"), ("assets/b.png", "two"))]
    assert refs[0].cid == refs[1].cid
    assert refs[0].url != refs[1].url


def test_inline_images_have_a_url_too_where_the_operator_serves_them():
    ref = reference("assets/logo.png", png(), "acme", Policy("inline", LINK.base_url))
    assert ref.src.startswith("cid:")
    assert ref.url == reference("assets/logo.png", png(), "acme", LINK).src


def test_a_pack_id_stays_one_part_of_the_path():
    assert "/packs/..%2F..%2Fx%3F/" in reference("assets/logo.png", png(), "../../x?", LINK).url


def test_a_reference_crosses_processes_as_plain_data():
    ref = reference("assets/logo.png", png(), "acme", LINK)
    assert Ref(**json.loads(json.dumps(ref.plain()))) == ref


def test_images_in_html_are_found_wherever_they_stand_once_each_in_order():
    html = """<img src="cid:b@livery"><td background='cid:a@livery' style="background:url(cid:c@livery)">
      <!--[if mso]><v:fill src="cid:d@livery" /><![endif]--><img src="cid:b@livery">cid: cid:@ https://x.example/cid:"""
    assert assets.images_in(html) == ["b@livery", "a@livery", "c@livery", "d@livery"]
    assert assets.images_in("<p>none</p>") == []


def test_what_reference_gives_is_found_again():
    ref = reference("assets/logo.png", png(), "acme", INLINE)
    assert assets.images_in(f'<img src="{ref.src}"/>') == [ref.cid]
    assert assets.images_in(reference("assets/logo.png", png(), "acme", LINK).src) == []


def test_images_are_attached_in_order_while_there_is_room():
    html = "".join(f'<img src="cid:{name}@livery">' for name in ("a", "b", "unknown", "c", "a"))
    sizes = {"a@livery": 40, "b@livery": 70, "c@livery": 60, "unused@livery": 1}
    assert assets.to_attach(html, sizes, room=100) == (["a@livery", "c@livery"], ["b@livery"])
    assert assets.to_attach(html, sizes) == (["a@livery", "b@livery", "c@livery"], [])
    too_large = {"a@livery": assets.MAX_TOTAL + 1}
    assert assets.to_attach(html, too_large) == ([], ["a@livery"])


def test_a_preview_holds_its_images():
    html = '<img src="cid:a@livery"><img src="cid:b@livery">'
    shown = assets.embedded(html, {"a@livery": ("image/png", b"\xff\xfe?")})
    data = b64encode(b"\xff\xfe?").decode()
    assert shown == f'<img src="data:image/png;base64,{data}"><img src="cid:b@livery">'


# --------------------------------------------------------------------------- which hosts

HOSTS = Policy(hosts=("img.example.com", "*.cdn.example", "xn--bcher-kva.example"))
REFUSED = {
    "http://img.example.com/a.png": "http: is not https:",
    "ftp://img.example.com/a.png": "ftp: is not https:",
    "data:image/png;base64,AAAA": "data: is not https:",
    "javascript:alert(1)": "javascript: is not https:",
    "cid:a@livery": "cid: is not https:",
    "": "neither a file in assets/ nor a URL",
    "logo.png": "neither a file in assets/ nor a URL",
    "../assets/logo.png": "neither a file in assets/ nor a URL",
    "//img.example.com/a.png": "neither a file in assets/ nor a URL",
    "https:/img.example.com/a.png": "neither a file in assets/ nor a URL",
    "https:img.example.com/a.png": "neither a file in assets/ nor a URL",
    "https:///img.example.com/a.png": "is no name of a host",
    "https://": "is no name of a host",
    "http\u017f://img.example.com/a.png": ": is not https:",  # a long s
    "https://other.example/a.png": "other.example is not in the operator's images.hosts",
    "https://img.example.com.evil.example/a.png": "is not in the operator's images.hosts",
    "https://evil.example/img.example.com": "is not in the operator's images.hosts",
    "https://evil.example?img.example.com": "is not in the operator's images.hosts",
    "https://evil.example#@img.example.com": "is not in the operator's images.hosts",
    "https://example.com/a.png": "is not in the operator's images.hosts",
    "https://a.img.example.com/a.png": "is not in the operator's images.hosts",
    "https://cdn.example/a.png": "is not in the operator's images.hosts",
    "https://a.b.cdn.example/a.png": "is not in the operator's images.hosts",
    "https://*.cdn.example/a.png": "is no name of a host",
    "https://xcdn.example/a.png": "is not in the operator's images.hosts",
    "https://user@img.example.com/a.png": "no user name or password",
    "https://img.example.com@evil.example/a.png": "no user name or password",
    "https://user:secret@img.example.com/a.png": "no user name or password",
    "https://img.example.com:8443/a.png": "only port 443",
    "https://img.example.com:/a.png": "only port 443",
    "https://img.example.com:0443/a.png": "only port 443",
    "https://img.example.com:443:443/a.png": "only port 443",
    "https://127.0.0.1/a.png": "not its address in numbers",
    "https://[::1]/a.png": "not its address in numbers",
    "https://[::ffff:127.0.0.1]:443/a.png": "not its address in numbers",
    "https://2130706433/a.png": "not its address in numbers",
    "https://0x7f.1/a.png": "not its address in numbers",
    "https://127.1./a.png": "not its address in numbers",
    "https://img.example.com\\@evil.example/a.png": "backslashes",
    "https://evil.example\\.cdn.example/a.png": "backslashes",
    " https://img.example.com/a.png": "no spaces",
    "https://img.example.com/a b.png": "no spaces",
    "ht\ttps://img.example.com/a.png": "no spaces",
    "https://img.example.com\n.evil.example/": "control characters",
    "https://img.example.com\0/": "control characters",
    "https://img%2eexample.com/a.png": "is no name of a host",
    "https://evil.example%2f.cdn.example/a.png": "is no name of a host",
    "https://img..example.com/a.png": "is no name of a host",
    "https://-a.cdn.example/a.png": "is no name of a host",
    f"https://{'a' * 64}.cdn.example/a.png": "is no name of a host",
    f"https://{'a.' * 130}cdn.example/a.png": "is no name of a host",
    "https://іmg.example.com/a.png": "is not in the operator's images.hosts",  # with a Cyrillic letter
    "https://\ud800.cdn.example/": "is no name of a host",
}  # fmt: skip


@pytest.mark.parametrize(("url", "why"), REFUSED.items(), ids=[ascii(url) for url in REFUSED])
def test_an_image_from_elsewhere_is_refused_with_the_reason(url, why):
    assert why in why_refused(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "https://img.example.com/a.png",
        "https://img.example.com",
        "https://img.example.com?x",
        "https://img.example.com#x",
        "HTTPS://IMG.Example.COM/a.png",
        "https://img.example.com:443/a.png",
        "https://img.example.com./a.png",
        "https://img.example.com/a@b:c/../d.png?https://evil.example#\u00e4",
        "https://one.cdn.example/a.png",
        "https://my_bucket.cdn.example/a.png",
        "https://bücher.example/a.png",
        "https://bu\u0308cher.example/a.png",
        "https://BÜCHER.example/a.png",
        "https://xn--bcher-kva.example/a.png",
        "https://ｉｍｇ.example.com/a.png",
        "https://img。example。com/a.png",
    ],
)
def test_an_image_from_a_listed_host_is_shown(url):
    assert why_refused(url, HOSTS) == ""


def test_no_host_is_listed_unless_the_operator_says_so():
    assert "ask for it, or put the file into assets/" in why_refused("https://fonts.example/css?family=Inter", INLINE)


def test_hosts_of_tenants_tokens_count_as_listed():
    tokens = {
        "logo": "https://Logos.Example:443/x.png",
        "hero": "https://bücher.example/h.jpg",
        "own": "assets/logo.png",
        "primary": "#123456",
        "plain": "http://plain.example/x.png",
        "port": "https://port.example:8443/x.png",
        "user": "https://u@user.example/x.png",
        "number": "https://10.0.0.1/x.png",
        "text": "see https://text.example/x",
    }
    hosts = assets.hosts_of(tokens.values())
    assert hosts == {"logos.example", "xn--bcher-kva.example"}
    assert why_refused("https://logos.example/other.png", INLINE, hosts) == ""
    assert why_refused("https://a.logos.example/other.png", INLINE, hosts) != ""


def test_where_the_operator_serves_packs_only_files_of_packs_are_shown():
    served = reference("assets/logo.png", png(), "acme", LINK).url
    assert why_refused(served, LINK) == ""
    for url in (
        "https://static.example/",
        "https://static.example/packs/acme/logo.png",
        served.replace("acme", "acme/../../other"),
        served.replace("acme", "%2e%2e"),
        f"{served}?track=1",
        f"{served}/../../x",
        served.replace("/packs/", "/other/"),
    ):
        assert why_refused(url, LINK) != "", url


PIECES = st.sampled_from(
    ["https://", "http://", "HTTPS:", "https:/", "//", "/", "\\", "@", ":", ":443", ":80", "?", "#", "%2e", "%40", ".", "。",
     "img.example.com", "cdn.example", "a.cdn.example", "evil.test", "bücher.example", "[::1]", "127.0.0.1", "0x7f", "\t",
     "\n", " ", "\u00ad", "\u200d", "*", "a", "é", "ß", "①", "xn--", "user"]
)  # fmt: skip


@given(url=st.lists(PIECES, max_size=8).map("".join))
@settings(max_examples=500)
def test_what_is_shown_is_of_a_listed_host_for_other_readers_of_urls_too(url):
    if why_refused(url, HOSTS):
        return
    for scheme, host, user in (
        (URL(url).scheme, URL(url).raw_host, URL(url).user),
        (urlsplit(url).scheme, urlsplit(url).hostname, urlsplit(url).username),
    ):
        name = Policy.of({"hosts": [host.rstrip(".")]}).hosts[0]
        assert (scheme, user) == ("https", None)
        assert name in HOSTS.hosts or (name.endswith(".cdn.example") and name.count(".") == 2)


@given(url=st.text(max_size=60))
def test_any_text_is_answered(url):
    assert isinstance(why_refused(f"https://{url}", HOSTS), str)
    assert why_refused(url, INLINE), "with no host listed, nothing from elsewhere is shown"


# --------------------------------------------------------------------------- settings


def refused(**images):
    with pytest.raises(ConfigError) as caught:
        Policy.of(Config.load(None, images=images).images.model_dump())
    return [(one.path, one.expected, one.came) for one in caught.value.problems]


def test_packs_images_travel_inside_and_no_host_is_listed_by_default():
    assert Policy.of(Config().images.model_dump()) == INLINE == Policy.of({})


def test_hosts_are_compared_as_the_dns_knows_them():
    given_hosts = ["IMG.example.com", "*.CDN.example", "bücher.example", "xn--bcher-kva.example", "localhost"]
    policy = Policy.of(Config.load(None, images={"hosts": given_hosts}).images.model_dump())
    assert policy.hosts == ("img.example.com", "*.cdn.example", "xn--bcher-kva.example", "localhost")
    assert Policy.of(policy.plain()) == policy


@pytest.mark.parametrize(
    "base_url", ["https://static.example", "https://static.example/", "https://static.example:443/a/b/"]
)
def test_images_are_linked_below_the_base_url(base_url):
    policy = Policy.of(Config.load(None, images={"mode": "link", "base_url": base_url}).images.model_dump())
    assert reference("assets/logo.png", png(), "acme", policy).src.startswith(f"{base_url.rstrip('/')}/acme/")


def test_settings_come_from_the_environment_too(monkeypatch):
    monkeypatch.setenv("LIVERY_IMAGES__MODE", "link")
    monkeypatch.setenv("LIVERY_IMAGES__BASE_URL", "https://static.example/packs")
    monkeypatch.setenv("LIVERY_IMAGES__HOSTS", '["img.example.com"]')
    policy = Policy.of(Config.load(None).images.model_dump())
    assert policy == Policy("link", "https://static.example/packs", ("img.example.com",))


def test_links_need_a_base_url():
    [(path, expected, _)] = refused(mode="link")
    assert path == "images.base_url"
    assert expected.endswith('since mode is "link"')


@pytest.mark.parametrize(
    "base_url",
    ["http://static.example", "static.example", "https://", "https://u@static.example", "https://static.example:8443",
     "https://10.0.0.1/", "https://[::1]/", "https://*.static.example/", "https://static.example/a?b", "https://static.example/#",
     'https://static.example/"onerror=', "https://static.example/a b", "https://static.example/)"],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["inline", "link"])
def test_a_base_url_is_https_and_a_plain_path(mode, base_url):
    [(path, _, came)] = refused(mode=mode, base_url=base_url)
    assert (path, came) == ("images.base_url", repr(base_url))


@pytest.mark.parametrize(
    "host",
    ["", "*", "*.", "*.com", "*.*.cdn.example", "a.*.example", "https://img.example.com", "img.example.com/a", "a b",
     "img.example.com:443", "10.0.0.1", "::1", "a..b", ".example", "a" * 64, "a." * 127 + "com", "-a.example", "①.example-"],
)  # fmt: skip
def test_what_is_no_host_is_refused_by_its_place_in_the_list(host):
    assert refused(hosts=["img.example.com", host])[0][0] == "images.hosts.1"
    with pytest.raises(ConfigError, match=r"images\.hosts\.1: expected a host name"):
        Policy.of({"hosts": ["img.example.com", host]})


def test_a_name_the_dns_has_no_form_for_is_refused_where_the_policy_is_made():
    assert refused(hosts=["xn\u2013.example", "a\u0301\u06dd.example"])[0][0].startswith("images.hosts.")


def test_an_unknown_mode_names_the_known_ones():
    assert refused(mode="attach") == [("images.mode", "'inline' or 'link'", "'attach'")]
