"""A mail server as the far side of the contract suite: it wants a login, and misbehaves as told."""

import asyncio

from aiosmtpd.smtp import AuthResult

from livery.testing import Arrival, FarSide, MailServer, Says, drip, reset

USER, PASSWORD = "livery", "canary-6f0d2b91-password"


class MailFarSide(FarSide):
    loggers = ("mail.",)

    def __init__(self):
        self.server = _Server(self)
        self.rcpts = 0

    @property
    def asked(self):
        return self.rcpts

    @property
    def arrivals(self):
        return [_arrival(mail) for mail in self.server.mails]

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *error):
        self.server.__exit__(*error)


class _Server(MailServer):
    def __init__(self, far):
        super().__init__(authenticator=self._check, auth_require_tls=False)
        self.far = far

    def _check(self, server, session, envelope, mechanism, given):
        right = (given.login.decode(), given.password.decode()) == (USER, PASSWORD)
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        self.far.rcpts += 1
        if not session.authenticated:
            return "530 5.7.0 log in first"
        match self.far.says:
            case Says.THROTTLED:
                return "451 4.7.1 too many messages, try again later"
            case Says.REFUSED:
                return "550 5.1.1 no such user"
            case Says.QUOTING:
                return f"550 5.7.1 not for {USER} with {PASSWORD}"
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        match self.far.says:
            case Says.BROKEN:
                return "451 4.3.0 a fault of ours"
            case Says.GARBLED:
                return "as you like it"
            case Says.HANGING_UP:
                server.transport.abort()
            case Says.RESETTING:
                reset(server.transport)
            case Says.DRIPPING:
                await drip(server.transport, b"250 ", asyncio.Event())
            case Says.SILENT:
                await asyncio.Event().wait()
        return answer


def _arrival(mail):
    return Arrival(
        content=mail.content,
        text="\n".join((mail.parsed["Subject"], mail.part("plain"), mail.part("html"))),
        identity=mail.parsed["Message-ID"],
        addresses=mail.recipients,
        reply_to=mail.parsed["Reply-To"] or "",
        images=mail.images,
    )
