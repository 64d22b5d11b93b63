"""The preview as a browser meets it: over HTTP, following edits, refusing everybody else."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from io import BytesIO

import aiohttp
import pytest

from livery.errors import LiveryError, NotFound
from livery.packs.findings import Finding
from livery.studio.live import Session
from livery.studio.server import PreviewServer
from studio.making import BREAKING, MANIFEST, NOTIFICATION, STRINGS, Page, event, fjord, target, tiny, write

CASE = f"cases/{NOTIFICATION}.en.smtp.en.html"
FRAME = f"frames/{NOTIFICATION}.en.smtp.en.light.html"
PATIENCE = 20


class Visitor:
    """A browser at the preview."""

    def __init__(self, http, server):
        self.http, self.server = http, server

    async def get(self, path="", **options):
        async with self.http.get(self.server.url + path, **options) as answer:
            return answer, await answer.text()

    async def page(self, path=CASE):
        return Page((await self.get(path))[1])

    async def token(self):
        (meta,) = [one for one in (await self.page()).all("meta") if one.get("name") == "livery"]
        return meta["data-token"]

    async def post(self, body, headers=None, at=""):
        sent = {"X-Livery-Token": await self.token()} if headers is None else headers
        data = BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with self.http.post(f"{self.server.url}event?at={at}", data=data, headers=sent) as answer:
            return answer.status, await answer.json(), answer

    @asynccontextmanager
    async def listening(self):
        """Server-sent events: the state after the next edit, or after the next news of any kind."""
        async with self.http.get(f"{self.server.url}live") as answer:
            assert answer.content_type == "text/event-stream"
            seen = None

            async def next_state(*, any_news=False):
                nonlocal seen
                async with asyncio.timeout(PATIENCE):
                    while line := await answer.content.readline():
                        if line.startswith(b"data: "):
                            before, seen = seen, json.loads(line.removeprefix(b"data: "))
                            if any_news or before is None or seen["version"] != before["version"]:
                                return seen
                raise AssertionError("the server closed the stream")

            await next_state()
            yield next_state


@asynccontextmanager
async def visiting(pack, check=lambda _: (), **options):
    with closing(await asyncio.to_thread(Session, target(pack, **options), check=check)) as session:
        async with PreviewServer(session, poll=0.02) as server, aiohttp.ClientSession() as http:
            yield Visitor(http, server)


def errors_of(page):
    return (
        page.text.partition("Error")[2]
        if any("trouble" in (one.get("class") or "") for one in page.all("section"))
        else ""
    )


async def test_it_begins_with_a_message_and_shows_every_one(tmp_path):
    async with visiting(tiny(tmp_path)) as visitor:
        answer, html = await visitor.get()
        assert answer.status == 200
        assert answer.url.path == f"/{CASE}"
        index = await visitor.page("index.html")
        for link in {one["href"] for one in index.all("a") if one.get("href", "").startswith("cases/")}:
            assert (await visitor.get(link))[0].status == 200
        for frame in Page(html).all("iframe"):
            assert (await visitor.get(frame["src"].removeprefix("../")))[0].status == 200
        for name in ("studio.css", "drawings.css", "gallery.js", "live.js"):
            assert (await visitor.get(name))[0].status == 200


async def test_an_edit_is_told_and_shown(tmp_path):
    pack = fjord(tmp_path)
    async with visiting(pack) as visitor, visitor.listening() as next_state:
        assert "#134e6f" in (await visitor.get(FRAME))[1]
        write(pack, {"pack.toml": MANIFEST.replace("#134e6f", "#7a1f5c")})
        assert (await next_state())["errors"] == 0
        assert "#7a1f5c" in (await visitor.get(FRAME))[1]


async def test_a_new_file_and_one_taken_away_are_edits(tmp_path):
    pack = fjord(tmp_path)
    async with visiting(pack) as visitor, visitor.listening() as next_state:
        write(pack, {"strings/en.toml": "[common]\nclosing = 'Farewell from the fjord.'\n"})
        await next_state()
        assert "Farewell from the fjord." in (await visitor.get(FRAME))[1]
        (pack / "strings/en.toml").unlink()
        await next_state()
        assert "Farewell from the fjord." not in (await visitor.get(FRAME))[1]


async def test_an_edit_of_a_parent_is_shown(tmp_path):
    parent = write(tmp_path / "coast", {"pack.toml": MANIFEST.replace('"fjord"', '"coast"')})
    child = fjord(tmp_path, {"pack.toml": 'format = 1\nid = "fjord"\nversion = "1"\nparent = "coast"\n'})
    config = tmp_path / "livery.toml"
    config.write_text('pack_paths = ["coast"]\n')
    async with visiting(child, config=config) as visitor, visitor.listening() as next_state:
        write(parent, {"pack.toml": MANIFEST.replace('"fjord"', '"coast"').replace("#134e6f", "#7a1f5c")})
        await next_state()
        assert "#7a1f5c" in (await visitor.get(FRAME))[1]


@pytest.mark.parametrize(
    ("file", "broken"),
    [
        ("pack.toml", MANIFEST.replace("primary = ", "primary ")),
        ("strings/en.toml", "[common]\nclosing = 'left open\n"),
    ],
)
async def test_a_broken_edit_leaves_the_last_good_one_and_says_where_it_is_wrong(tmp_path, file, broken):
    pack = fjord(tmp_path, {"strings/en.toml": "[common]\nclosing = 'Farewell.'\n"})
    good = (pack / file).read_text()
    async with visiting(pack) as visitor, visitor.listening() as next_state:
        before = (await visitor.get(FRAME))[1]
        frames = [one["src"] for one in (await visitor.page()).all("iframe")]
        write(pack, {file: broken})
        assert (await next_state())["errors"] > 0
        page = await visitor.page()
        assert [one["src"] for one in page.all("iframe")] == frames  # so a browser fetches nothing again
        said = errors_of(page)
        assert re.search(rf"{re.escape(file)}:\d+:\d+", said), said
        assert (await visitor.get(FRAME))[1] == before
        write(pack, {file: good})
        assert (await next_state())["errors"] == 0
        assert not errors_of(await visitor.page())


async def test_a_template_that_fails_leaves_the_last_good_message(tmp_path):
    pack = fjord(tmp_path)
    async with visiting(pack) as visitor, visitor.listening() as next_state:
        before = (await visitor.get(FRAME))[1]
        write(pack, {"blocks/text.mjml.j2": "<mj-text>{{ block.nothing }}</mj-text>"})
        await next_state()
        said = errors_of(await visitor.page())
        assert "blocks/text.mjml.j2" in said
        assert (await visitor.get(FRAME))[1] == before
        write(pack, {"blocks/text.mjml.j2": "<mj-text>Mended {{ block.text }}</mj-text>"})
        await next_state()
        assert not errors_of(await visitor.page())
        assert "Mended" in (await visitor.get(FRAME))[1]


async def test_a_pack_broken_from_the_start_is_shown_with_its_errors_and_recovers(tmp_path):
    pack = fjord(tmp_path, {"pack.toml": "format = 1\nid = \n"})
    async with visiting(pack) as visitor, visitor.listening() as next_state:
        answer, html = await visitor.get()
        assert answer.status == 200
        assert "pack.toml" in errors_of(Page(html))
        assert (await visitor.get(CASE))[0].status == 404
        write(pack, {"pack.toml": MANIFEST})
        assert (await next_state())["errors"] == 0
        assert (await visitor.get())[0].url.path == f"/{CASE}"


async def test_a_message_that_is_gone_has_a_page_that_says_so(tmp_path):
    async with visiting(fjord(tmp_path)) as visitor:
        answer, html = await visitor.get("cases/no.such.html")
        assert answer.status == 404
        assert "not there" in html
        assert (await visitor.get("frames/no.such.light.html"))[0].status == 404
        assert (await visitor.get("layout.html.j2"))[0].status == 404


async def test_the_overview_is_there_at_once_and_completes_itself(tmp_path):
    pack = tiny(tmp_path, {"strings/en.toml": STRINGS.replace("What was said", "{{ event.nothing.here }}")})
    async with visiting(pack) as visitor, visitor.listening() as next_state:
        early = await visitor.page("index.html")
        state = await next_state(any_news=True)
        whole = await visitor.page("index.html")
        assert len(early.all("iframe")) == len(whole.all("iframe"))
        (meta,) = [one for one in whole.all("meta") if one.get("name") == "livery"]
        assert meta["data-overview"] == state["overview"]
        assert "looking…" not in whole.text
        assert "degraded" in whole.text


async def test_a_template_that_fails_is_located_by_the_check(tmp_path):
    found = Finding(
        severity="error", rule="x", message="no", pack="tiny", file="blocks/error.mjml.j2", line=1, column=12
    )
    pack = tiny(tmp_path)
    async with visiting(pack, check=lambda _: [found]) as visitor, visitor.listening() as next_state:
        await visitor.page()
        write(pack, {"blocks/error.mjml.j2": "<mj-text>{{ block.nothing.at }}</mj-text>"})
        first = await next_state()
        assert errors_of(await visitor.page())
        second = await next_state(any_news=True)
        assert (first["version"], first["overview"]) != (second["version"], second["overview"])
        assert "tiny/blocks/error.mjml.j2:1:12" in errors_of(await visitor.page())


async def test_what_a_check_finds_stands_on_the_overview(tmp_path):
    found = Finding(severity="warning", rule="contrast", message="too pale", pack="tiny", file="pack.toml", line=9)
    async with visiting(tiny(tmp_path), check=lambda _: [found]) as visitor, visitor.listening() as next_state:
        assert "too pale" not in (await visitor.page("index.html")).text
        await next_state(any_news=True)
        assert "tiny/pack.toml:9" in (page := await visitor.page("index.html")).text
        assert "too pale" in page.text


# --------------------------------------------------------------------------- the designer's own event


async def test_an_own_event_is_shown_like_the_message_looked_at(tmp_path):
    async with visiting(fjord(tmp_path)) as visitor:
        mine = event(customer__name="Bäckerei Knusper", seller__id="somebody-nobody-knows")
        status, told, _ = await visitor.post(mine, at=f"{NOTIFICATION}.de.slack.en")
        assert status == 200
        assert told["page"] == f"cases/{NOTIFICATION}.de.slack.yours.html"
        assert "Bäckerei Knusper" in (await visitor.page(told["page"])).text


async def test_an_own_event_outlives_an_edit(tmp_path):
    pack = fjord(tmp_path)
    async with visiting(pack) as visitor:
        _, told, _ = await visitor.post(event(customer__name="Bäckerei Knusper"), at=f"{NOTIFICATION}.en.smtp.en")
        async with visitor.listening() as next_state:
            write(pack, {"pack.toml": MANIFEST.replace("#134e6f", "#7a1f5c")})
            await next_state()
        assert (await visitor.get(told["page"]))[0].status == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no json", "not JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'"text"', "a JSON object"),
        (json.dumps({**event(), "type": "NoSuchType"}).encode(), "unknown event type"),
        (json.dumps(event(offer__name=None)).encode(), "data.offer.name"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
async def test_what_is_no_event_is_refused_with_every_reason(tmp_path, body, said):
    async with visiting(fjord(tmp_path)) as visitor:
        status, told, _ = await visitor.post(body)
        assert status == 422
        assert said in " ".join(told["problems"])


@pytest.mark.parametrize("size", [256 * 1024 + 1, 3 * 1024 * 1024])
async def test_an_event_that_is_too_large_is_refused(tmp_path, size):
    async with visiting(fjord(tmp_path)) as visitor:
        status, told, _ = await visitor.post(b" " * size)
        assert status in (413, 422)
        assert "256 KiB" in " ".join(told["problems"])


async def test_hostile_text_of_an_own_event_stays_text(tmp_path):
    async with visiting(fjord(tmp_path)) as visitor:
        status, told, _ = await visitor.post(event(error__message=BREAKING, customer__name=BREAKING))
        assert status == 200
        page = await visitor.page(told["page"])
        assert [one.get("src") for one in page.all("script")] == ["../gallery.js", "../live.js"]
        assert BREAKING in page.text
        assert page.all("textarea")


# --------------------------------------------------------------------------- who may ask


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1.evil.example:{port}"]
)
async def test_another_name_is_refused(tmp_path, host):
    async with visiting(tiny(tmp_path)) as visitor:
        for path in ("", CASE, "live", "index.html"):
            answer, _ = await visitor.get(
                path, headers={"Host": host.format(port=visitor.server.port)}, allow_redirects=False
            )
            assert answer.status == 421


async def test_localhost_is_a_name_of_this_machine(tmp_path):
    async with visiting(fjord(tmp_path)) as visitor:
        answer, _ = await visitor.get(CASE, headers={"Host": f"localhost:{visitor.server.port}"})
        assert answer.status == 200


async def test_it_listens_on_this_machine_alone(tmp_path):
    async with visiting(fjord(tmp_path)) as visitor:
        assert {address[0] for address in visitor.server.addresses} == {"127.0.0.1"}


@pytest.mark.parametrize("headers", [{}, {"X-Livery-Token": "guess"}, {"X-Livery-Token": ""}])
async def test_an_event_without_our_token_is_refused(tmp_path, headers):
    async with visiting(fjord(tmp_path)) as visitor:
        assert (await visitor.post(event(), headers=headers))[0] == 403


async def test_an_event_from_another_site_is_refused_even_with_our_token(tmp_path):
    async with visiting(fjord(tmp_path)) as visitor:
        headers = {"X-Livery-Token": await visitor.token(), "Origin": "https://evil.example"}
        assert (await visitor.post(event(), headers=headers))[0] == 403


async def test_no_other_site_may_read_or_frame_it(tmp_path):
    async with visiting(tiny(tmp_path)) as visitor:
        for path in (CASE, FRAME, "index.html"):
            answer, _ = await visitor.get(path, headers={"Origin": "https://evil.example"})
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
        async with visitor.http.options(visitor.server.url + "event") as answer:
            assert answer.status == 405


async def test_a_message_is_served_into_a_sandbox(tmp_path):
    async with visiting(fjord(tmp_path)) as visitor:
        answer, _ = await visitor.get(FRAME)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("sandbox; default-src 'none'")
        assert "script" not in policy
        assert all(one["sandbox"] is None for one in (await visitor.page()).all("iframe"))


def test_every_session_has_its_own_token(tmp_path, session):
    assert session(fjord(tmp_path)).token != session(tmp_path / "fjord").token


# --------------------------------------------------------------------------- starting and stopping


def test_a_pack_that_is_nowhere_is_not_previewed(tmp_path):
    for name in ("no-such-pack", str(tmp_path / "nowhere")):
        with pytest.raises(NotFound):
            Session(target(name))


async def test_a_port_that_is_taken_says_so(tmp_path, session):
    mine = session(fjord(tmp_path))
    async with PreviewServer(mine) as first:
        with pytest.raises(LiveryError, match="--port"):
            async with PreviewServer(mine, port=first.port):
                raise AssertionError("it must not get here")


def test_the_command_serves_until_it_is_stopped(tmp_path):
    command = [sys.executable, "-m", "livery", "pack", "preview", str(fjord(tmp_path)), "--no-browser"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert url, line + process.stderr.read()

        async def look():
            async with aiohttp.ClientSession() as http, http.get(f"{url[0]}live"), http.get(url[0]) as answer:
                process.send_signal(signal.SIGINT)
                return answer.status

        assert asyncio.run(look()) == 200
        assert process.wait(timeout=PATIENCE) == 0
        assert "Traceback" not in process.stderr.read()
