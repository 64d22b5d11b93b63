"""The SMTP channel: which server a message goes to, and what became of it there."""

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

from livery.plugin import Channel, Dispatch, Envelope, Message, Outcome, Reason
from livery_smtp import outcomes
from livery_smtp.mime import ascii_domain, assemble
from livery_smtp.opening import CONNECT, NotOpened, Target, opened
from livery_smtp.pool import Pool, Terms
from livery_smtp.settings import Account, Server, SmtpSettings
from livery_smtp.stdlib import PlainClient
from livery_smtp.transaction import Transaction

_MAX_SERVERS = 1000
_NOT_THERE = (Reason.UNREACHABLE, Reason.TIMEOUT, Reason.AUTH, Reason.MISCONFIGURED, Reason.FORBIDDEN_TARGET)
"""Why a tenant's own server may be passed over: it cannot be reached, or refuses the login."""


class SmtpChannel(Channel):
    """E-mail. A message is `accepted` once the server took it; whether it was read, nobody can know."""

    Settings = SmtpSettings
    Destination = Account

    def __init__(self, settings: Any, outbound: Any) -> None:
        super().__init__(settings, outbound)
        self._smtp = cast(SmtpSettings, settings)
        # Asked with every message, and a model takes its time to answer.
        self._deadline, self._is_pipelined = self._smtp.deadline, self._smtp.client == "pipelined"
        self._late = f"no end within {self._deadline:g} s"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pools: dict[Target, Pool] = {}
        self._targets: dict[Server, Target] = {}
        self._near: dict[int, Target] = {}
        self._contexts: dict[tuple[bool, bool], ssl.SSLContext] = {}

    @classmethod
    def label(cls, destination: Any) -> str:
        account = cast(Account, destination)
        return f"{account.from_domain} by {account.host}"

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        wire = assemble(message, envelope)
        if not self._smtp.dkim:
            return wire
        from livery_smtp.dkim import signed

        return signed(wire, envelope, self._smtp.dkim)

    async def send(self, dispatch: Dispatch) -> Outcome:
        addresses = [one for one in dispatch.envelope.addresses if one not in dispatch.settled]
        if not addresses:
            reached = "accepted" in dispatch.settled.values()
            return Outcome(status="accepted" if reached else "failed", detail="every address was answered before")
        account = _account_of(dispatch)
        deadline = asyncio.get_running_loop().time() + self._deadline
        outcome = await self._by(account or self._smtp, Transaction(dispatch, addresses), deadline)
        if account is not None and account.fallback and _is_not_there(outcome):
            return await self._by(self._smtp, Transaction(dispatch, addresses), deadline)
        return outcome

    async def aclose(self) -> None:
        pools, self._pools = list(self._pools.values()), {}
        if self._loop is asyncio.get_running_loop():
            await asyncio.gather(*(pool.aclose() for pool in pools))
        threads = self.__dict__.pop("_threads", None)
        if threads is not None:
            threads.shutdown(wait=False)

    # ------------------------------------------------------------------ by one server

    async def _by(self, server: Server, transaction: Transaction, deadline: float) -> Outcome:
        target = self._target(server)
        outcome = transaction.unfit(None)
        if outcome is None and self._is_pipelined:
            outcome = await self._pool(target).carry(transaction, deadline, self._late)
        elif outcome is None:
            try:
                async with asyncio.timeout_at(deadline):
                    outcome = await self._in_thread(target, transaction)
            except TimeoutError:
                outcome = outcomes.lost(transaction.results, Reason.TIMEOUT, self._late, is_sent=transaction.is_sent)
        return outcomes.shown(outcome, target.secrets)

    def _target(self, server: Server) -> Target:
        # By identity first: comparing settings costs as much as a tenth of sending.
        near = self._near.get(id(server))
        if near is not None and near.server is server:
            return near
        if server not in self._targets:
            if len(self._targets) >= _MAX_SERVERS:
                self._targets.clear()
            self._targets[server] = Target(
                server=server,
                dial=partial(self.outbound.guard.dial, server.host, server.port, ports=self._ports(server)),
                context=partial(self._context, server),
                helo=self._smtp.helo,
                timeout=self._smtp.timeout,
                read_password=partial(self._password, server),
            )
        if len(self._near) >= _MAX_SERVERS:
            self._near.clear()
        self._near[id(server)] = self._targets[server]
        return self._targets[server]

    def _pool(self, target: Target) -> Pool:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._pools = loop, {}
        pool = self._pools.get(target)
        if pool is None:
            if len(self._pools) >= _MAX_SERVERS:
                self._pools = {where: one for where, one in self._pools.items() if one.is_busy}
            smtp = self._smtp
            terms = Terms(smtp.connections, smtp.messages, smtp.idle, smtp.timeout)
            pool = self._pools[target] = Pool(partial(opened, target), terms)
        return pool

    async def _in_thread(self, target: Target, transaction: Transaction) -> Outcome:
        server, ports = target.server, self._ports(target.server)
        dial = partial(self.outbound.guard.dial_blocking, server.host, server.port, ports=ports, timeout=CONNECT)
        client = PlainClient(target, dial)
        work = asyncio.get_running_loop().run_in_executor(self._threads, client.carry, transaction)
        try:
            return await work
        except NotOpened as error:
            return error.outcome
        except asyncio.CancelledError:
            client.drop()
            raise

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        # Threads of our own: servers that hang must not take those that others wait for.
        return ThreadPoolExecutor(self._smtp.connections, thread_name_prefix="livery-smtp")

    def _ports(self, server: Server) -> tuple[int, ...] | None:
        """What a tenant's server may be reached on; the operator's own may be anywhere."""
        return self.outbound.guard.policy.mail_ports if isinstance(server, Account) else None

    def _context(self, server: Server) -> ssl.SSLContext:
        """Made once for each kind of server: it takes as long as sending a hundred messages."""
        kind = (isinstance(server, Account), server.tls == "opportunistic")
        if kind not in self._contexts:
            own = self.outbound.guard.policy.ca_file if kind[0] else self._smtp.ca_file
            context = ssl.create_default_context(cafile=None if kind[0] else own)
            if kind[0] and own:
                context.load_verify_locations(own)
            if kind[1]:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._contexts[kind] = context
        return self._contexts[kind]

    def _password(self, server: Server) -> str:
        if isinstance(server, SmtpSettings) and server.password_file is not None:
            return Path(server.password_file).read_text("utf-8").strip()
        return server.password.get_secret_value() if server.password else ""


def _is_not_there(outcome: Outcome) -> bool:
    return outcome.status in ("retry", "failed") and outcome.reason in _NOT_THERE and not outcome.recipients


def _account_of(dispatch: Dispatch) -> Account | None:
    """The nearest account of the tenants that may send for the sender's domain."""
    if not dispatch.accounts:
        return None
    try:
        domain = ascii_domain(dispatch.envelope.sender_address).rpartition("@")[2].lower()
    except ValueError:
        return None
    return next((one for one in dispatch.accounts if domain == one.from_domain), None)
