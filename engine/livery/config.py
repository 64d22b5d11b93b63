"""Configuration: livery.toml and LIVERY_* in the environment, as one frozen value.

What stands in the environment wins over the file. Nested settings are joined by two underscores:
`LIVERY_CHANNELS__SMTP__HOST=mail.example`.
"""

import os
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from livery.errors import ConfigError, Problem, shown
from livery.models.base import Model
from livery.models.tenant import Chain, Level, PlatformSender, Tenant
from livery.outbound import OutboundPolicy
from livery.policies import (
    DeliveryPolicy,
    DirectoryPolicy,
    DomainPolicy,
    PackPolicy,
    RetentionPolicy,
    ServerPolicy,
    SignInPolicy,
)

PREFIX = "LIVERY_"
FILE_NAME = "livery.toml"
_MAY_BE_SECRET = frozenset({"channels", "database_url", "oidc", "secret_keys"})
"""Settings whose values no error may repeat: passwords, hook URLs, also where they were misspelt."""
_LABEL = r"\w([\w-]{0,61}\w)?"
_HOST = re.compile(rf"(\*\.{_LABEL}\.)?({_LABEL}\.)*(?!\d+$|0x){_LABEL}")
_BASE_URL = re.compile(r"https://([^\s/?#@:\\]+)(:443)?(/[A-Za-z0-9._~%/+-]*)?")


def _a_host(text: str) -> str:
    if len(text) > 253 or not _HOST.fullmatch(text):  # noqa: PLR2004 - RFC 1035 §2.3.4
        raise ValueError("a host name, such as img.example.com or *.img.example.com")
    return text


class Images(Model):
    """How packs' own images reach readers, and which hosts packs may show images and fonts from."""

    mode: Literal["inline", "link"] = Field(
        default="inline",
        description="`inline`: a pack's own images travel with the e-mail. `link`: readers fetch them from `base_url`.",
    )
    base_url: str = Field(
        default="",
        validate_default=True,
        description="Where you serve packs' images; needed for `link`. An image is fetched from "
        "`<base_url>/<pack id>/<SHA-256 of the file>.<png, jpg, gif or webp>`.",
    )
    hosts: tuple[Annotated[str, AfterValidator(_a_host)], ...] = Field(
        default=(),
        description="Hosts that packs may show images and fonts from, by https; `*.cdn.example` stands for every name "
        "with one label more. Hosts in the brand tokens of tenants need not be listed.",
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_address_to_fetch_from(cls, base_url: str, info: ValidationInfo) -> str:
        is_needed = info.data.get("mode") == "link"
        form = _BASE_URL.fullmatch(base_url)
        if (is_needed or base_url) and not (form and _HOST.fullmatch(form[1]) and "*" not in form[1]):
            why = ', since mode is "link"' if is_needed else ""
            raise ValueError(f"the address of a folder you serve, such as https://img.example.com/packs{why}")
        return base_url


class Config(Model):
    """Every setting. Paths are relative to the folder of livery.toml, else to the current one."""

    database_url: str = Field(
        default="sqlite:///livery.db", repr=False, description="Where events and deliveries are kept (SQLAlchemy URL)."
    )
    secret_keys: tuple[SecretStr, ...] = Field(
        default=(),
        repr=False,
        description="Keys that secrets are sealed with before they are stored, as `livery secrets new-key` makes "
        "them: the first seals, all open. Better in the environment than in a file.",
    )
    message_id_domain: str = Field(
        default="livery.localhost",
        pattern=r"^[A-Za-z0-9.-]+$",
        description="The part of Message-ID after the `@`: a domain you own.",
    )
    sender: PlatformSender = Field(
        default=PlatformSender(), description="The From address of every seller without a verified one."
    )
    verified_domains: tuple[str, ...] = Field(
        default=(),
        description="Domains any tenant's own sender address may be in, beside those that `livery domain` verifies.",
    )
    default_pack: str = Field(default="base", description="The pack of tenants that name none.")
    default_locale: str = Field(default="en", description="The language of last resort.")
    pack_paths: tuple[Path, ...] = Field(default=(), description="Folders of packs that are not installed.")
    blocked_plugins: tuple[str, ...] = Field(default=(), description="Entry points that are not loaded.")
    concurrency: int = Field(default=50, ge=1, le=1000, description="Deliveries worked on at the same time.")
    lease_seconds: int = Field(
        default=60,
        ge=5,
        description="Seconds after which the deliveries of a worker that is not heard of are taken over.",
    )
    outbound: OutboundPolicy = Field(default=OutboundPolicy(), description="What tenants' URLs may reach.")
    delivery: DeliveryPolicy = Field(
        default=DeliveryPolicy(), description="How often is tried, how many at once, and when to pause."
    )
    retention: RetentionPolicy = Field(
        default=RetentionPolicy(), description="For how many days what was done stays in the store."
    )
    directory: DirectoryPolicy = Field(
        default=DirectoryPolicy(),
        description="How long the host's directory of people may take, and its answers count.",
    )
    domains: DomainPolicy = Field(default=DomainPolicy(), description="How tenants' sender domains are verified.")
    packs: PackPolicy = Field(default=PackPolicy(), description="Whose packs are taken, and how much is kept.")
    server: ServerPolicy = Field(default=ServerPolicy(), description="How the HTTP service is reached, and its limits.")
    sign_in: SignInPolicy = Field(default=SignInPolicy(), description="How people sign in to the pages.")
    images: Images = Field(default=Images(), description="How packs' images reach readers.")
    channels: dict[str, dict[str, Any]] = Field(
        default={}, repr=False, description="The operator's settings of each channel: `[channels.smtp]`."
    )
    tenants: dict[str, Tenant] = Field(default={}, description="The chain: platform, distributors, sellers.")

    _folder: Path = PrivateAttr(default_factory=Path)

    @property
    def folder(self) -> Path:
        """What relative paths in the settings of channels start from."""
        return self._folder

    @model_validator(mode="before")
    @classmethod
    def _fill_tenants(cls, data: Any) -> Any:
        """Give each tenant its id and level: the root is the platform, a parent of others a distributor."""
        tenants = data.get("tenants") if isinstance(data, dict) else None
        if not isinstance(tenants, dict) or not all(isinstance(one, dict) for one in tenants.values()):
            return data
        parents = {parent for one in tenants.values() if isinstance(parent := one.get("parent"), str)}
        filled = {}
        for id_, one in tenants.items():
            level = Level.DEFAULT if not one.get("parent") else Level.DISTRIBUTOR if id_ in parents else Level.SELLER
            channels = one.get("channels", {})
            if isinstance(channels, dict):
                channels = {name: [where] if isinstance(where, dict) else where for name, where in channels.items()}
            filled[id_] = {"id": id_, "level": level, **one, "channels": channels}
        return {**data, "tenants": filled}

    @model_validator(mode="after")
    def _tenants_form_a_tree(self) -> Self:
        roots = [tenant.id for tenant in self.tenants.values() if not tenant.parent]
        wrong = [f"tenants without a parent: {', '.join(roots)}; only the platform has none"] if len(roots) > 1 else []
        for id_, tenant in self.tenants.items():
            if tenant.parent and tenant.parent not in self.tenants:
                wrong.append(f"tenant {id_!r} names the parent {tenant.parent!r}, which is not configured")
            line = [id_]
            while (above := self.tenants.get(line[-1])) and above.parent and above.parent not in line:
                line.append(above.parent)
            if above and above.parent == id_ == min(line):
                wrong.append(f"tenants are each other's parents: {' → '.join([*line, id_])}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def chain(self, seller: str) -> Chain | None:
        """The tenants from the platform down to `seller`; None if it is not configured."""
        found: list[Tenant] = []
        at: str | None = seller
        while at:
            tenant = self.tenants.get(at)
            if tenant is None:
                return None
            found.append(tenant)
            at = tenant.parent
        return tuple(reversed(found))

    @property
    def store_file(self) -> Path | None:
        """The file of the store; None if it is none."""
        return _store_file(self.database_url)

    def store_exists(self) -> bool:
        """Whether there is a store to read; one on a server is taken to be there."""
        file = self.store_file
        if file is None:
            return not self.database_url.startswith("sqlite")
        # Asked with every message as long as there is none: that there is nothing is told quicker than what there is.
        return os.access(file, os.F_OK) and file.is_file()

    @classmethod
    def load(cls, file: Path | str | None = None, **overrides: Any) -> Self:
        """Read a file (none if None), then the environment, then `overrides`.

        Raises:
            ConfigError: the file is missing, is no TOML, or a setting is wrong; all problems at once.

        """
        path = Path(file) if file is not None else None
        data = _merged(_merged(_read(path) if path else {}, _environment()), overrides)
        folder = path.parent.resolve() if path else Path.cwd()
        try:
            config = cls.model_validate(data)
        except ValidationError as error:
            raise ConfigError(f"{path or 'the configuration'} is wrong:", problems_of(error)) from None
        config = config.model_copy(
            update={
                "database_url": _anchored(config.database_url, folder),
                "pack_paths": tuple(folder / one for one in config.pack_paths),
                "outbound": config.outbound.anchored(folder),
                "packs": config.packs.anchored(folder),
            }
        )
        config._folder = folder  # noqa: SLF001 - our own
        return config


def find_file() -> Path | None:
    """The configuration file to use when none is named: LIVERY_CONFIG, else ./livery.toml if it is there."""
    if named := os.environ.get(f"{PREFIX}CONFIG"):
        return Path(named)
    here = Path(FILE_NAME)
    return here if here.is_file() else None


def problems_of(error: ValidationError, at: str = "") -> list[Problem]:
    """A pydantic error as the lines people read: field path, what was expected, what came."""
    problems = []
    for one in error.errors(include_url=False):
        path = ".".join([*([at] if at else []), *(str(part) for part in one["loc"])]) or "(whole)"
        kind, came = one["type"], shown(one["input"])
        if one["type"] == "missing" or not _MAY_BE_SECRET.isdisjoint(path.split(".")):
            came = ""
        expected = {"missing": "a value, none is given", "extra_forbidden": "no such setting"}.get(kind)
        if isinstance(one["input"], dict) and kind not in (
            "dict_type",
            "string_type",
            "list_type",
            "int_type",
        ):
            came = ""
        message = one["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        problems.append(Problem(path, expected or message, came))
    return problems


@lru_cache(maxsize=64)
def _store_file(url: str) -> Path | None:
    """Asked with every message, and slow to take apart."""
    scheme, slashes, path = url.partition(":///")
    return Path(path.partition("?")[0]) if slashes and path and scheme.startswith("sqlite") else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; name another file with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None


def _environment() -> dict[str, Any]:
    if not any(name.upper().startswith(PREFIX) and name.upper() != f"{PREFIX}CONFIG" for name in os.environ):
        return {}
    # Only when it is needed: importing it costs as much as all of Livery's start-up.
    from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
    from pydantic_settings.exceptions import SettingsError

    class Probe(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__")

    Probe.model_fields.update(Config.model_fields)
    try:
        return EnvSettingsSource(Probe)()
    except SettingsError as error:
        raise ConfigError(f"the environment is wrong: {error}") from None


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _anchored(url: str, folder: Path) -> str:
    scheme, slashes, rest = url.partition(":///")
    if scheme.startswith("sqlite") and slashes and rest and not rest.startswith("/") and rest != ":memory:":
        return f"{scheme}:///{folder / rest}"
    return url
