"""The channel's settings: the platform's mail server, tenants' own, and the keys that sign."""

import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from livery.plugin import Model

Tls = Literal["none", "opportunistic", "starttls", "tls"]
_VERIFIED = ("starttls", "tls")


def _on_one_line(secret: SecretStr) -> SecretStr:
    if any(char in secret.get_secret_value() for char in "\0\r\n"):
        raise ValueError("one line without NUL")
    return secret


Password = Annotated[SecretStr, AfterValidator(_on_one_line)]


def _a_domain(text: str) -> str:
    from livery_smtp.mime import ascii_domain

    try:
        return ascii_domain(f"x@{text}").partition("@")[2].lower()
    except ValueError:
        raise ValueError("a domain, such as seller.example") from None


def _a_host(text: str) -> str:
    try:
        ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        if not all(re.fullmatch(r"\w([\w-]{0,61}\w)?", label) for label in labels) or len(text) > 253:  # noqa: PLR2004
            raise ValueError("a host name or an address, such as mail.example.com") from None
    return text


Host = Annotated[str, AfterValidator(_a_host)]
Domain = Annotated[str, AfterValidator(_a_domain)]


class DkimKey(Model):
    """A key that signs mail (RFC 6376). All keys of a domain sign: one RSA and one ed25519, or an old and a new one."""

    domain: Domain = Field(description="Mail from addresses in this domain, or one below it, is signed.")
    selector: str = Field(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$",
        description="The public key stands in the TXT record `<selector>._domainkey.<domain>`.",
    )
    key: SecretStr | None = Field(
        default=None, description="The private key as PEM: RSA of at least 2048 bits, or ed25519."
    )
    key_file: str | None = Field(default=None, description="A file that holds it instead.")

    @model_validator(mode="after")
    def _a_key_that_is_strong(self) -> Self:
        from livery_smtp.dkim import signing_key

        signing_key(self)
        return self


class Server(Model):
    """A mail server, and how we introduce ourselves."""

    host: Host
    port: int
    tls: Tls
    username: str | None = Field(
        default=None, pattern=r"^[^\x00\r\n]+$", description="Name to log in with; no login if absent."
    )
    password: Password | None = Field(
        default=None, description="The password, or the OAuth 2 access token, that goes with it."
    )
    auth: Literal["auto", "plain", "login", "xoauth2"] = Field(
        default="auto", description="How to log in; `auto` is `plain` or `login`, as the server offers."
    )

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, so that no network hears what is said."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower().rstrip(".") == "localhost"

    def check_login(self, *, is_told: bool = False) -> None:
        """Refuse a login that others could overhear.

        Raises:
            ValueError: says what to do.

        """
        if self.username is not None and self.tls not in _VERIFIED and not self.is_here and not is_told:
            raise ValueError('a login needs tls = "starttls" or "tls", else others may read the password on its way')


class SmtpSettings(Server):
    """`[channels.smtp]`: the platform's mail server."""

    host: Host = Field(default="127.0.0.1", description="Name or address of the mail server.")
    port: int = Field(default=25, ge=1, le=65535, description="Its port.")
    tls: Tls = Field(
        default="none",
        description="`starttls` on port 587 or 25, `tls` on port 465: certificates are verified, and nothing is sent "
        "without. `opportunistic`: STARTTLS if the server offers it, whoever it is.",
    )
    ca_file: str | None = Field(default=None, description="PEM file of a private authority to trust instead.")
    password_file: str | None = Field(
        default=None,
        description="A file that holds the password or token instead; read at each login, so it may change.",
    )
    insecure_login: bool = Field(
        default=False, description="Log in without verified TLS although the server is not on this machine."
    )
    helo: str = Field(
        default="localhost",
        pattern=r"^[A-Za-z0-9.:\[\]-]{1,255}$",
        description="The name we greet with: this machine's, in the public DNS.",
    )
    connections: int = Field(default=10, ge=1, le=200, description="Connections open at the same time, to each server.")
    messages: int = Field(default=100, ge=1, description="Messages over one connection, then another is opened.")
    idle: float = Field(default=10.0, ge=0, le=300, description="Seconds a connection is kept open without work.")
    timeout: float = Field(default=30.0, gt=0, le=600, description="Seconds for one answer of the server.")
    deadline: float = Field(default=30.0, gt=0, le=30, description="Seconds for one attempt, all in all.")
    client: Literal["pipelined", "plain"] = Field(
        default="pipelined",
        description="`plain`: one connection a message, one command at a time, by Python's smtplib; slow, for servers "
        "that the other does not get on with.",
    )
    dkim: tuple[DkimKey, ...] = Field(default=(), description="Keys that sign mail: `[[channels.smtp.dkim]]`.")

    @model_validator(mode="after")
    def _nothing_is_overheard(self) -> Self:
        self.check_login(is_told=self.insecure_login)
        return self

    @field_validator("dkim")
    @classmethod
    def _each_key_once(cls, keys: tuple[DkimKey, ...]) -> tuple[DkimKey, ...]:
        names = [(one.domain, one.selector) for one in keys]
        if len(set(names)) < len(names):
            raise ValueError("each selector of a domain once")
        return keys


class Account(Server):
    """A tenant's own mail server: mail from addresses in its domain goes out there. Reached through the guard."""

    host: Host = Field(description="Name or address of the mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    tls: Tls = Field(default="starttls", description="As in `[channels.smtp]`.")
    from_domain: Domain = Field(description="Mail whose From address is in this domain goes out by this server.")
    fallback: bool = Field(
        default=False,
        description="Whether mail goes out by the platform's server while this one cannot be reached or refuses the "
        "login.",
    )

    @model_validator(mode="after")
    def _nothing_is_overheard(self) -> Self:
        self.check_login()
        return self
