"""Images of packs: what may be one, and how HTML refers to it."""

import json
import struct
from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.errors import PackError
from livery.packs import assets
from livery.packs.assets import Policy, Ref, reference
from livery.packs.image_header import Look, look
from unit.pictures import INLINE, LINK, gif, jpeg, png, webp, webp_extended, webp_lossless

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
