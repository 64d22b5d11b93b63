"""TLS and login, with an authority made for the test by the openssl command."""

import asyncio
import os
import shutil
import ssl
import subprocess
from base64 import b64encode

import pytest
from aiosmtpd.smtp import AuthResult
from pydantic import ValidationError

from channels.byte_server import byte_server
from channels.making import DROP, ENVELOPE, MESSAGE, bare_server, mail_script, sent, smtp
from livery.plugin import Dispatch
from livery.testing import MailServer

pytestmark = pytest.mark.usefixtures("client")
USER, PASSWORD = "shop", "a pass•word"


def openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A folder with ca.pem, and server.pem (for 127.0.0.1), other.pem (for another host), stranger.pem (another CA's)."""
    if shutil.which("openssl") is None:
        why = "the openssl command is needed to make certificates (Debian: apt install openssl)"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    folder = tmp_path_factory.mktemp("authority")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for ca in ("ca", "foreign"):
        openssl("req", "-x509", *key, "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.pem",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=folder)  # fmt: skip
    for name, ca, san in (
        ("server", "ca", "IP:127.0.0.1"),
        ("other", "ca", "DNS:other.example"),
        ("stranger", "foreign", "IP:127.0.0.1"),
    ):
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", cwd=folder)
        (folder / "ext").write_text(f"subjectAltName={san}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                "-extfile", "ext", "-days", "2", "-out", f"{name}.crt", cwd=folder)  # fmt: skip
        (folder / f"{name}.pem").write_text((folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text())
    return folder


def identified(folder, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem")
    return context


class SafeServer(MailServer):
    """Keeps whether each message came over TLS, and every login."""

    def __init__(self, **options):
        super().__init__(authenticator=self.check, **options)
        self.over_tls, self.logins = [], []

    def check(self, server, session, envelope, mechanism, given):
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=self.logins[-1] == ("shop", "right"), handled=False)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.over_tls.append(server.transport.get_extra_info("cipher") is not None)
        return await super().handle_DATA(server, session, envelope)


def safe_server(mode, context, **options):
    where = "tls_context" if mode == "starttls" else "ssl_context"
    return SafeServer(**{where: context}, **options)


@pytest.mark.parametrize("mode", ["starttls", "tls"])
async def test_the_message_goes_over_tls(authority, mode):
    with safe_server(mode, identified(authority, "server")) as server:
        outcome = await sent(smtp(server.port, tls=mode, ca_file=str(authority / "ca.pem")))
    assert outcome.status == "accepted"
    assert server.over_tls == [True]


@pytest.mark.parametrize("mode", ["starttls", "tls"])
@pytest.mark.parametrize("name", ["other", "stranger"])
async def test_a_wrong_certificate_is_a_retry_and_nothing_is_said_to_its_owner(authority, mode, name):
    settings = {"tls": mode, "ca_file": str(authority / "ca.pem"), "username": "shop", "password": "right"}
    with safe_server(mode, identified(authority, name)) as server:
        outcome = await sent(smtp(server.port, **settings))
    assert (outcome.status, outcome.reason) == ("retry", "unreachable")
    assert "certificate" in outcome.detail
    assert "127.0.0.1" not in outcome.detail
    assert (server.logins, server.mails) == ([], [])


@pytest.mark.parametrize("mode", ["starttls", "tls"])
async def test_without_ca_file_only_the_machines_authorities_count(authority, mode):
    with safe_server(mode, identified(authority, "server")) as server:
        outcome = await sent(smtp(server.port, tls=mode))
    assert (outcome.status, outcome.reason, server.mails) == ("retry", "unreachable", [])


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, "misconfigured"),
        ({"EHLO": "250-mail.example\r\n250 STARTTLS", "STARTTLS": "454 4.7.0 not now"}, "throttled"),
        ({"EHLO": "250-mail.example\r\n250 STARTTLS", "STARTTLS": "220 go on\r\n250 but in plain text"}, "unreachable"),
        ({"EHLO": "250-mail.example\r\n250 STARTTLS", "STARTTLS": DROP}, "unreachable"),
    ],
)
async def test_without_tls_nothing_follows_in_plain_text(answers, reason):
    settings = {"tls": "starttls", "username": "shop", "password": "right", "timeout": 2}
    async with mail_script(**answers) as talk:
        outcome = await sent(smtp(talk.port, **settings))
    assert (outcome.status, outcome.reason) == ("retry", reason)
    assert not {"AUTH", "MAIL", "RCPT", "DATA"} & {*talk.verbs}


async def test_tls_from_the_first_byte_says_nothing_to_a_server_without():
    heard = []

    async def plain(talk, reader, writer):
        writer.write(b"220 in plain text\r\n")
        while chunk := await reader.read(4096):
            heard.append(chunk)

    async with bare_server(plain) as talk:
        outcome = await sent(smtp(talk.port, tls="tls", timeout=2))
    assert (outcome.status, outcome.reason) == ("retry", "unreachable")
    assert b"EHLO" not in b"".join(heard).upper()


async def test_a_ca_file_that_is_not_there_is_a_setting_to_mend():
    async with mail_script() as talk:
        outcome = await sent(smtp(talk.port, tls="tls", ca_file="/nowhere/ca.pem"))
    assert (outcome.status, outcome.reason, talk.connections) == ("retry", "misconfigured", 0)


@pytest.mark.parametrize("mode", ["starttls", "tls"])
async def test_messages_overlap_on_one_connection_over_tls_too(authority, mode):
    context = identified(authority, "server")
    sizes = []

    async def script(line):
        await line.say(b"220 ready\r\n")
        await line.hear(b"EHLO")
        if mode == "starttls":
            await line.say(b"250-x\r\n250 STARTTLS\r\n")
            await line.hear(b"STARTTLS")
            await line.say(b"220 go on\r\n")
            await line.writer.start_tls(context)
            await line.hear(b"EHLO")
        await line.say(b"250-x\r\n250 PIPELINING\r\n")
        while True:
            sizes.append(len(await line.take()))

    async with byte_server(script, ssl=context if mode == "tls" else None) as talk:
        channel = smtp(talk.port, tls=mode, ca_file=str(authority / "ca.pem"), connections=1, client="pipelined")
        wires = [channel.encode(MESSAGE, ENVELOPE)] * 15 + [b"Subject: x\r\n\r\n" + b"x" * 70 + b"y\r\n" * 400_000]
        outcomes = await asyncio.gather(*(channel.send(Dispatch(ENVELOPE, None, one, 1)) for one in wires))
        await channel.aclose()
    assert {one.status for one in outcomes} == {"accepted"}
    assert (len(sizes), talk.connections) == (16, 1)


# ------------------------------------------------------------------ somebody in between


async def test_what_was_said_before_tls_counts_for_nothing_after_it(authority):
    """An answer that somebody put in between before TLS must not be taken for the server's own after it."""
    context = identified(authority, "server")
    heard = []

    async def script(line):
        await line.say(b"220 ready\r\n")
        await line.hear(b"EHLO")
        await line.say(b"250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
        await line.hear(b"STARTTLS")
        await line.say(b"220 go on\r\n250-evil\r\n250 AUTH PLAIN\r\n235 in\r\n")
        await line.writer.start_tls(context)
        heard.append(await line.reader.read(1000))

    async with byte_server(script) as talk:
        settings = {"tls": "starttls", "ca_file": str(authority / "ca.pem"), "username": "shop", "password": "right"}
        outcome = await sent(smtp(talk.port, **settings, timeout=2))
    assert outcome.status == "retry"
    assert not any(b"AUTH" in one or b"MAIL" in one for one in heard)


async def test_features_are_those_that_were_told_over_tls(authority):
    """AUTH offered in plain text and not over TLS is not used."""
    context = identified(authority, "server")

    async def script(line):
        await line.say(b"220 ready\r\n")
        await line.hear(b"EHLO")
        await line.say(b"250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n")
        await line.hear(b"STARTTLS")
        await line.say(b"220 go on\r\n")
        await line.writer.start_tls(context)
        await line.hear(b"EHLO")
        await line.say(b"250 x\r\n")
        await line.hang()

    async with byte_server(script) as talk:
        settings = {"tls": "starttls", "ca_file": str(authority / "ca.pem"), "username": "shop", "password": "right"}
        outcome = await sent(smtp(talk.port, **settings))
    assert (outcome.status, outcome.reason) == ("retry", "misconfigured")


async def test_opportunistic_takes_any_certificate_where_tls_is_offered_and_does_without_where_not(authority):
    with safe_server("starttls", identified(authority, "stranger")) as server:
        assert (await sent(smtp(server.port, tls="opportunistic"))).status == "accepted"
    assert server.over_tls == [True]
    async with mail_script() as talk:
        assert (await sent(smtp(talk.port, tls="opportunistic"))).status == "accepted"


async def test_tls_that_was_offered_once_and_is_no_longer_is_somebody_in_between(authority):
    context = identified(authority, "server")

    async def offering(line):
        await line.say(b"220 ready\r\n")
        await line.hear(b"EHLO")
        await line.say(b"250-x\r\n250 STARTTLS\r\n")
        await line.hear(b"STARTTLS")
        await line.say(b"220 go on\r\n")
        await line.writer.start_tls(context)
        await line.hear(b"EHLO")
        await line.say(b"250 x\r\n")
        for answer in (b"250 ok", b"250 ok", b"354 go on"):
            await line.reader.readline()
            await line.say(answer, b"\r\n")
        await line.hear_content()
        await line.say(b"250 queued\r\n")

    async def stripped(line):
        await line.greet(b"250 x\r\n")
        assert not (await line.reader.readline()).startswith(b"MAIL")

    async with byte_server(offering, stripped) as talk:
        channel = smtp(talk.port, tls="opportunistic", idle=0)
        dispatch = Dispatch(ENVELOPE, None, channel.encode(MESSAGE, ENVELOPE), 1)
        outcomes = [await channel.send(dispatch) for _ in "ab"]
        await channel.aclose()
    assert [one.status for one in outcomes] == ["accepted", "retry"]
    assert "somebody may be in between" in outcomes[1].detail


@pytest.mark.parametrize("tls", ["none", "opportunistic"])
def test_a_password_goes_to_no_other_machine_in_the_open(tls):
    with pytest.raises(ValidationError, match="others may read the password"):
        smtp(25, host="mail.example", tls=tls, username="shop", password="right")
    assert smtp(25, host="mail.example", tls=tls, username="shop", password="right", insecure_login=True)
    assert smtp(25, host="localhost", tls=tls, username="shop", password="right")
    assert smtp(25, host="mail.example", tls="starttls", username="shop", password="right")


# ------------------------------------------------------------------ login


def login_script(*steps, mechanisms="PLAIN LOGIN XOAUTH2"):
    """A server that hears each step of a login and answers it."""

    async def script(line):
        await line.greet(f"250-x\r\n250 AUTH {mechanisms}\r\n".encode())
        for heard, answer in steps:
            got = (await line.reader.readline()).decode().rstrip("\r\n")
            assert got == heard, (got, heard)
            await line.say(answer.encode() + b"\r\n")
        for answer in (b"250 ok", b"250 ok", b"354 go on"):
            await line.reader.readline()
            await line.say(answer, b"\r\n")
        await line.hear_content()
        await line.say(b"250 queued\r\n")

    return byte_server(script)


def b64(text):
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("auth", "steps"),
    [
        ("plain", [(f"AUTH PLAIN {b64(chr(0) + 'shop' + chr(0) + 'right')}", "235 in")]),
        ("login", [("AUTH LOGIN", f"334 {b64('Username:')}"), (b64("shop"), f"334 {b64('Password:')}"), (b64("right"), "235 in")]),
        ("xoauth2", [(f"AUTH XOAUTH2 {b64('user=shop' + chr(1) + 'auth=Bearer right' + chr(1) * 2)}", "235 in")]),
    ],
)  # fmt: skip
async def test_each_way_to_log_in(auth, steps):
    async with login_script(*steps) as talk:
        outcome = await sent(smtp(talk.port, username="shop", password="right", auth=auth))
    assert outcome.status == "accepted", outcome


async def test_a_token_that_is_refused_is_answered_as_the_protocol_asks():
    token = b64("user=shop\1auth=Bearer right-canary\1\1")
    said = b64('{"status":"401"}')
    async with login_script((f"AUTH XOAUTH2 {token}", f"334 {said}"), ("", "535 5.7.8 refused")) as talk:
        outcome = await sent(smtp(talk.port, username="shop", password="right-canary", auth="xoauth2"))
    assert (outcome.status, outcome.reason, outcome.code) == ("retry", "auth", "535")


async def test_the_way_that_was_asked_for_must_be_offered():
    async with login_script(mechanisms="LOGIN") as talk:
        outcome = await sent(smtp(talk.port, username="shop", password="right", auth="xoauth2"))
    assert (outcome.status, outcome.reason) == ("retry", "misconfigured")


async def test_a_password_in_a_file_is_read_at_each_login(tmp_path):
    file = tmp_path / "password"
    file.write_text("wrong\n")
    with SafeServer(auth_require_tls=False) as server:
        channel = smtp(server.port, username="shop", password_file=str(file), idle=0)
        dispatch = Dispatch(ENVELOPE, None, channel.encode(MESSAGE, ENVELOPE), 1)
        first = await channel.send(dispatch)
        file.write_text("right\n")
        second = await channel.send(dispatch)
        await channel.aclose()
    assert (first.reason, second.status) == ("auth", "accepted")


async def test_a_password_file_that_cannot_be_read_is_a_setting_to_mend(tmp_path):
    with SafeServer(auth_require_tls=False) as server:
        gone = await sent(smtp(server.port, username="shop", password_file=str(tmp_path / "password")))
        folder = await sent(smtp(server.port, username="shop", password_file=str(tmp_path)))
    assert {(one.status, one.reason) for one in (gone, folder)} == {("retry", "misconfigured")}
    assert "password cannot be read" in gone.detail
    assert str(tmp_path) not in gone.detail


async def test_a_server_that_quotes_the_login_as_it_was_sent_is_kept_without_it():
    form = b64("\0shop\0hunter2-canary")
    async with login_script((f"AUTH PLAIN {form}", f"535 what is {form}?")) as talk:
        outcome = await sent(smtp(talk.port, username="shop", password="hunter2-canary", auth="plain"))
    assert (outcome.reason, outcome.detail) == ("auth", "what is •••?")


async def test_a_good_login_is_accepted():
    with SafeServer(auth_require_tls=False) as server:
        outcome = await sent(smtp(server.port, username="shop", password="right"))
    assert (outcome.status, server.logins) == ("accepted", [("shop", "right")])


async def test_a_bad_login_is_a_retry_that_names_it_and_sends_nothing():
    with SafeServer(auth_require_tls=False) as server:
        outcome = await sent(smtp(server.port, username="shop", password="wrong-canary"))
    assert (outcome.status, outcome.reason, outcome.code) == ("retry", "auth", "535")
    assert "wrong-canary" not in outcome.model_dump_json()
    assert server.mails == []


async def test_a_login_goes_over_tls(authority):
    settings = {"tls": "starttls", "ca_file": str(authority / "ca.pem"), "username": "shop", "password": "right"}
    with SafeServer(tls_context=identified(authority, "server")) as server:
        outcome = await sent(smtp(server.port, **settings))
    assert (outcome.status, server.over_tls, server.logins) == ("accepted", [True], [("shop", "right")])


async def test_no_way_to_log_in_is_a_setting_to_mend():
    async with mail_script() as talk:
        outcome = await sent(smtp(talk.port, username="shop", password="right"))
    assert (outcome.status, outcome.reason) == ("retry", "misconfigured")
    assert "MAIL" not in talk.verbs


async def test_a_password_beyond_ascii_is_sent_as_it_is():
    with SafeServer(auth_require_tls=False) as server:
        outcome = await sent(smtp(server.port, username=USER, password=PASSWORD))
    assert (outcome.status, outcome.reason) == ("retry", "auth")
    assert server.logins == [(USER, PASSWORD)]
    assert PASSWORD not in repr(outcome)


@pytest.mark.parametrize("password", ["a\0b", "a\r\nb"])
def test_a_password_that_cannot_be_sent_is_a_setting_to_mend(password):
    with pytest.raises(ValidationError, match="one line without NUL"):
        smtp(25, username=USER, password=password)


@pytest.mark.parametrize("password", ["hunter2-canary", "hunter2  can\tary"])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "content"])
async def test_an_answer_that_quotes_the_password_is_kept_without_it(stage, password):
    answers = {"EHLO": "250-mail.example\r\n250 AUTH PLAIN", "AUTH": "235 in"}
    async with mail_script(**answers, **{stage: f"550 {'x' * 190} {password} is no good"}) as talk:
        outcome = await sent(smtp(talk.port, username="shop", password=password))
    assert outcome.status == "failed"
    assert "hunter2" not in outcome.model_dump_json()
    assert "•••" in outcome.detail
