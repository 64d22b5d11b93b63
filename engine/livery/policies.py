"""The operator's settings of how work is done: what the tables `[delivery]`, `[retention]` and so on may say."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, IPvAnyAddress, SecretStr

from livery.domains import Resolver, resolver
from livery.models.base import Model
from livery.models.event import Id
from livery.models.identity import Role
from livery.ports import Breaker, Load, Rates
from livery.retry import Rules

_DAY = 24 * 3600
Seconds = Annotated[int, Field(ge=1, le=90 * _DAY)]
AtOnce = Annotated[int, Field(ge=1, le=1000)]
PerSecond = Annotated[float, Field(ge=0.001, le=100_000)]


class DeliveryPolicy(Model):
    """`[delivery]`: how often, how many at once, and when to pause."""

    ladders: dict[str, tuple[Seconds, ...]] = Field(
        default={},
        description="By channel, the seconds before each further attempt, in place of the channel's own; "
        "`smtp = []` never tries again.",
    )
    permanent: tuple[str, ...] = Field(
        default=(),
        description="What is never tried again although the channel would: a reason (`auth`) or the far side's code "
        "(`503`), of one channel if that stands before it (`webhook:503`).",
    )
    temporary: tuple[str, ...] = Field(
        default=(), description="What is tried again although the channel would not; written like `permanent`."
    )
    retry_unknown: bool = Field(
        default=True,
        description="Whether an attempt whose answer was lost is made again, with the same identity: a copy may "
        "arrive. If not, the delivery ends as `unknown`.",
    )
    pause_after: int = Field(
        default=5, ge=0, le=1000, description="Failed attempts in a row after which a destination is paused; 0: never."
    )
    cool_down: int = Field(
        default=30,
        ge=1,
        le=_DAY,
        description="Seconds of the first pause. Then one delivery is tried; each time that fails, too, the pause "
        "doubles.",
    )
    longest_pause: int = Field(default=600, ge=1, le=_DAY, description="Seconds a pause has at most.")
    channel_concurrency: dict[str, AtOnce] = Field(
        default={},
        description="By channel, how many deliveries are sent at the same time, over all workers; else `concurrency` "
        "by each worker.",
    )
    destination_concurrency: int = Field(
        default=4,
        ge=1,
        le=1000,
        description="How many deliveries are sent to one endpoint at the same time, over all workers. Mail to persons "
        "has three quarters of a worker's `concurrency` for each tenant.",
    )
    channel_rates: dict[str, PerSecond] = Field(
        default={},
        description="By channel, how many deliveries a second are begun, over all workers: `smtp = 50`; `0.5` is one "
        "in two seconds.",
    )
    destination_rates: dict[str, PerSecond] = Field(
        default={},
        description="By channel, how many deliveries a second to one destination are begun, over all workers: "
        "`slack = 1`. Of mail to persons, each tenant's is a destination.",
    )
    bounce_days: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="Days for which an address is not written to after its server said that nobody is there; "
        "0 to learn nothing from that.",
    )
    max_backlog: int = Field(
        default=1_000_000,
        ge=0,
        description="Deliveries waiting above which no event is accepted (`Backlogged`); 0 for no bound.",
    )

    def rules(self) -> Rules:
        return Rules(frozenset(self.permanent), frozenset(self.temporary), self.retry_unknown)

    def breaker(self) -> Breaker:
        longest = timedelta(seconds=max(self.cool_down, self.longest_pause))
        return Breaker(self.pause_after, timedelta(seconds=self.cool_down), longest)

    def rates(self) -> Rates:
        return Rates(self.channel_rates, self.destination_rates)

    def load(self, concurrency: int, *, persons: Iterable[str], endpoints: Iterable[str]) -> Load:
        """What one worker may do at once, for the channels there are."""
        most = max(concurrency * 3 // 4, 1)
        return Load(
            concurrency,
            by_lane=self.channel_concurrency,
            by_destination=dict.fromkeys(endpoints, self.destination_concurrency),
            share=dict.fromkeys(persons, most),
        )


Days = Annotated[int, Field(ge=0, le=36_500)]


class RetentionPolicy(Model):
    """`[retention]`: for how many days what was done stays in the store; 0 for ever. Workers remove what is older.

    Only what is settled is touched: what waits to be sent stays as long as it waits.
    """

    message_days: Days = Field(
        default=30, description="Messages as they were sent. After that, a delivery is sent again only `--fresh`."
    )
    text_days: Days = Field(
        default=180,
        description="Personal text: addresses, titles, traces, excerpts of answers, the data of events. What stays is "
        "that a delivery was made, when, what became of it, and a keyed hash of each address.",
    )
    delivery_days: Days = Field(default=730, description="Deliveries with their attempts.")
    event_days: Days = Field(
        default=730,
        description="Events without deliveries. As long as an event stays, accepting it again adds nothing.",
    )
    thread_days: Days = Field(
        default=90, description="What follow-ups in chats hang on. Later ones begin a thread of their own."
    )
    audit_days: Days = Field(
        default=0, description="What was done by hand: retries, purges, erasures, pauses. The trail of settings stays."
    )


class DirectoryPolicy(Model):
    """`[directory]`: how long the host's directory may take, and how long its answers count."""

    deadline_seconds: float = Field(
        default=2.0,
        ge=0.01,
        le=30,
        description="How long the host's directory may take for one event. Later than that, the event is accepted all "
        "the same, and the directory is asked again later.",
    )
    rest_seconds: float = Field(
        default=5.0, ge=0, le=_DAY, description="How long it is left in peace after it failed or came too late."
    )
    cache_seconds: float = Field(
        default=60.0, ge=0, le=_DAY, description="How long its answers count; 0 asks for every event."
    )
    cache_size: int = Field(default=10_000, ge=0, le=10_000_000, description="How many answers are kept.")


class PackPolicy(Model):
    """`[packs]`: whose packs are taken, and how much of them is kept."""

    require_signature: bool = Field(
        default=False,
        description="Whether packs in the store are only used if one of `trusted_keys` signed them "
        "(`livery pack build --sign`).",
    )
    trusted_keys: tuple[Path, ...] = Field(
        default=(), description="Files of public keys, as `livery pack keygen` writes them (`.pub`)."
    )
    max_versions: int = Field(
        default=200, ge=1, le=100_000, description="How many versions of packs are kept of one tenant."
    )
    max_megabytes: int = Field(
        default=256, ge=1, le=1_000_000, description="How many megabytes of packs are kept of one tenant."
    )

    def anchored(self, folder: Path) -> Self:
        """The same with its relative paths below a folder."""
        return self.model_copy(update={"trusted_keys": tuple(folder / one for one in self.trusted_keys)})


class DomainPolicy(Model):
    """`[domains]`: how tenants' sender domains are verified."""

    recheck_days: int = Field(
        default=7, ge=1, le=365, description="Days after which DNS is asked again whether a verified domain still is."
    )
    nameservers: tuple[IPvAnyAddress, ...] = Field(
        default=(), description="IP addresses of the name servers that are asked; the system's if empty."
    )
    nameserver_port: int = Field(default=53, ge=1, le=65535, description="The port of `nameservers`.")

    def resolver(self) -> Resolver:
        """Asks DNS as it is said here."""
        return resolver([str(one) for one in self.nameservers], port=self.nameserver_port)


class ServerPolicy(Model):
    """`[server]`: the HTTP service, `livery serve` and `livery.http.create_app`."""

    host: str = Field(default="127.0.0.1", description="The address `livery serve` listens on.")
    port: int = Field(default=8480, ge=0, le=65535, description="Its port; 0 for any that is free.")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$",
        description="How people reach it from outside, such as https://notify.example.com/livery: for links that are "
        "given out. What a request says of itself if empty.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=("127.0.0.1",),
        description="Addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )
    max_body: int = Field(
        default=4 * 1024 * 1024, ge=1024, le=1024**3, description="Bytes the body of a request may have."
    )
    max_upload: int = Field(
        default=32 * 1024 * 1024, ge=1024, le=1024**3, description="Bytes an upload may have, such as of a pack."
    )
    body_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds within which the whole body of a request must have arrived."
    )
    rate: float = Field(
        default=200.0, ge=0, description="Requests a second that one token, person or host may make; 0 for no bound."
    )
    burst: int = Field(default=400, ge=1, description="How many of them may come at once.")
    stranger_rate: float = Field(
        default=1.0, ge=0, description="The same for requests that are refused with 401, by address; 0 for no bound."
    )
    stranger_burst: int = Field(default=20, ge=1, description="How many of those may come at once.")
    frame_ancestors: tuple[Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.*-]+(:\d{1,5})?$")], ...] = Field(
        default=(),
        description="Origins whose pages may show Livery's in a frame, such as https://portal.example.com.",
    )
    metrics: Literal["operator", "open"] = Field(
        default="operator", description="Who may read `/metrics`: operators, or everybody who can reach the port."
    )


def _an_issuer(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].partition(":")[0]
    if not host or scheme not in ("https", "http") or (scheme == "http" and host not in ("127.0.0.1", "localhost")):
        raise ValueError("an https address, such as https://login.example.com")
    return url.rstrip("/")


class ClaimRule(Model):
    """`[[sign_in.oidc.rules]]`: who may do what, by a claim of the provider's. The first rule that fits counts."""

    claim: str = Field(default="sub", max_length=200, description="The claim that is looked at, such as `groups`.")
    value: str = Field(
        default="*", max_length=400, description="What it must be, or have among its values; `*` for anything at all."
    )
    roles: tuple[Role, ...] = Field(min_length=1, description="What they may do.")
    tenant: Id | None = Field(default=None, description="Whom they act for: this tenant and all below it.")
    tenant_claim: str = Field(
        default="", max_length=200, description="The claim that holds the tenant's id, in place of `tenant`."
    )


class OidcPolicy(Model):
    """`[sign_in.oidc]`: sign-in at an OpenID provider, by authorization code with PKCE."""

    issuer: Annotated[str, AfterValidator(_an_issuer)] = Field(
        description="The provider's address; its settings are read from `/.well-known/openid-configuration` below it."
    )
    client_id: str = Field(min_length=1, max_length=400, description="What the provider calls this service.")
    client_secret: SecretStr | None = Field(default=None, description="Its secret, unless it is a public client.")
    label: str = Field(default="Sign in", max_length=80, description="What stands on the button.")
    scopes: tuple[str, ...] = Field(default=("openid", "email", "profile"), description="What is asked for.")
    name_claim: str = Field(
        default="email",
        description="What trails call people by; `sub` where it is absent, or is an address not verified.",
    )
    rules: tuple[ClaimRule, ...] = Field(
        default=(), description="Who may do what. Who fits none is let in nowhere, so without any nobody is."
    )


class SignInPolicy(Model):
    """`[sign_in]`: how people sign in to the pages, and for how long."""

    idle_minutes: int = Field(
        default=60, ge=1, le=30 * 24 * 60, description="Minutes after which who does nothing is signed out."
    )
    hours: int = Field(default=12, ge=1, le=90 * 24, description="Hours after which everybody has to sign in again.")
    oidc: OidcPolicy | None = Field(default=None, description="An OpenID provider to sign in at.")
