"""TLS and login, with an authority made for the test by the openssl command."""

import os
import shutil
import ssl
import subprocess

import pytest
from aiosmtpd.smtp import AuthResult

from channels.making import DROP, bare_server, mail_script, sent, smtp
from livery.testing import MailServer

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


# ------------------------------------------------------------------ login


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


async def test_a_password_that_cannot_be_sent_is_a_setting_to_mend_and_is_not_shown():
    with SafeServer(auth_require_tls=False) as server:
        outcome = await sent(smtp(server.port, username=USER, password=PASSWORD))
    assert (outcome.status, outcome.reason) == ("retry", "misconfigured")
    assert PASSWORD not in repr(outcome)


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "content"])
async def test_an_answer_that_quotes_the_password_is_kept_without_it(stage):
    answers = {"EHLO": "250-mail.example\r\n250 AUTH PLAIN", "AUTH": "235 in"}
    async with mail_script(**answers, **{stage: f"550 {'x' * 190} hunter2-canary is no good"}) as talk:
        outcome = await sent(smtp(talk.port, username="shop", password="hunter2-canary"))
    assert outcome.status == "failed"
    assert "hunter2" not in outcome.model_dump_json()
    assert "•••" in outcome.detail
