"""The files of a pack as models: `pack.toml` and `notifications/*.toml`."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from livery.models.base import Model
from livery.models.classification import Side
from livery.models.tenant import BrandToken
from livery.packs.tokens import TokenSpec

MAX_BLOCKS = 200
FORMAT = 1
"""The newest version of the pack format this Livery reads."""
PACK_ID = r"^[a-z0-9][a-z0-9._-]{0,63}$"
HOST = r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$"
HTTPS = r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^\s\"'<>\\]*$"
DIGEST = r"^[0-9a-f]{64}$"
PIECE = r"^[A-Za-z0-9._/-]+(#\S+)?$"
_BRAND_TOKEN: TypeAdapter[str] = TypeAdapter(BrandToken, config={"defer_build": True})
PATTERNS = {
    PACK_ID: "up to 64 lower-case letters, digits, `.`, `_` and `-`, such as `fjord`",
    HOST: "the name of a host, such as `images.fjord.example`, or `*.fjord.example` for all below it",
    HTTPS: "an address that begins with `https://` and has a path, such as `https://fonts.fjord.example/fjord.css`",
    DIGEST: "a sha256 in hex, as `livery pack override` writes it",
    PIECE: "a path inside the pack, such as `layouts/email.mjml.j2` or `strings/en.toml#common.closing`",
    get_args(BrandToken)[-1].pattern: 'a text without any of <>"{};\\ and without control characters',
}
"""What each pattern asks for, in words."""

_RANGE = re.compile(r"\s*(?P<sign>===|==|!=|<=|>=|~=|<|>)\s*(?P<release>\d{1,9}(\.\d{1,9}){0,9})(?P<any>\.\*)?\s*")

PackId = Annotated[str, StringConstraints(pattern=PACK_ID)]
Host = Annotated[str, StringConstraints(pattern=HOST)]


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number")  # noqa: TRY004 - which pydantic would not turn into a finding
    return value


Format = Annotated[Literal[1], BeforeValidator(_no_truth)]
"""`true` equals 1 in Python, and nowhere else."""


def _a_range(text: str) -> str:
    for part in filter(str.strip, text.split(",")):
        match = _RANGE.fullmatch(part)
        if match is None or match["sign"] == "===" or (match["any"] and match["sign"] not in ("==", "!=")):
            raise ValueError("a range of versions, such as >=0.1,<2")
    return text


def allows(specifier: str, version: str) -> bool:
    """Whether a range such as `>=0.1,<2` (PEP 440, without pre-releases and local versions) has a version in it."""
    have = _release(version)
    return all(_holds(match, have) for match in _RANGE.finditer(specifier))


def _holds(match: re.Match[str], have: tuple[int, ...]) -> bool:
    want = _release(match["release"])
    length = max(len(have), len(want))
    left, right = have + (0,) * (length - len(have)), want + (0,) * (length - len(want))
    is_below = left[: len(want)] == want
    match match["sign"]:
        case "==":
            return is_below if match["any"] else left == right
        case "!=":
            return not is_below if match["any"] else left != right
        case "~=":
            return left >= right and left[: len(want) - 1] == want[:-1]
        case "<=":
            return left <= right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case _:
            return left > right


def _release(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", version.strip())
    return tuple(map(int, match[0].split("."))) if match else (0,)


def _a_token(spec: TokenSpec) -> TokenSpec:
    _BRAND_TOKEN.validate_python(spec.value)
    return spec


def _form(value: Any) -> str:
    return "table" if isinstance(value, dict | TokenSpec) else "text"


TokenDefinition = Annotated[
    Annotated[BrandToken, WithJsonSchema({"type": ["string", "number"], "maxLength": 2000}), Tag("text")]
    | Annotated[TokenSpec, AfterValidator(_a_token), Tag("table")],
    Discriminator(_form),
]
"""A token's value, or a table with its type, value and more."""


class Hosts(Model):
    """`[hosts]`: from where its messages load things. The operator has the last word."""

    images: tuple[Host, ...] = Field(default=(), description="Hosts its pictures lie on.")
    fonts: tuple[Host, ...] = Field(default=(), description="Hosts its fonts lie on.")


class Override(Model):
    """`[overrides]`: what a piece stood on when it was copied, so that a change of the parent's is seen."""

    digest: Annotated[str, StringConstraints(pattern=DIGEST)] = Field(description="sha256 of the parent's piece then.")
    of: str = Field(description="The pack it was copied from, and its version, such as `base 1.0.0`.")


class PackManifest(Model):
    """`pack.toml`."""

    format: Format = Field(description="Version of the pack format: 1.")
    id: PackId = Field(description="Names the pack; settings and other packs refer to it by this.")
    version: str = Field(description="The pack's own version, such as `1.2.0`.")
    title: str = Field(default="", description="What people call it.")
    description: str = Field(default="", description="What it is for, in a sentence.")
    authors: tuple[str, ...] = Field(default=(), description="Who made it.")
    license: str = Field(default="", description="Under what terms, as an SPDX expression such as `Apache-2.0`.")
    engine: Annotated[str, AfterValidator(_a_range)] = Field(
        default="", description="Versions of Livery it works with, such as `>=0.1,<2`; all if empty."
    )
    parent: PackId | None = Field(default=None, description="The pack this one is laid over.")
    adds_to: PackId | None = Field(
        default=None,
        description="In place of `parent`: the pack whose every user gets this one too, directly above it.",
    )
    locales: tuple[str, ...] = Field(default=(), description="Languages it has strings for; informative.")
    tokens: dict[str, TokenDefinition] = Field(
        default={}, description="Brand tokens, each over its parent's: a value, or a table with its type."
    )
    hosts: Hosts = Field(default=Hosts(), description="From where its messages load pictures and fonts.")
    fonts: dict[str, Annotated[str, StringConstraints(pattern=HTTPS)]] = Field(
        default={}, description="Style sheets of web fonts by the font's name; `https` only."
    )
    overrides: dict[Annotated[str, StringConstraints(pattern=PIECE)], Override] = Field(
        default={}, description="Pieces that were copied from a parent, by path, with what they stood on."
    )

    @field_validator("adds_to")
    @classmethod
    def _one_above(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and info.data.get("parent"):
            raise ValueError("either `parent` or `adds_to`, not both: an add-on stands above the pack it adds to")
        return value


class FactDefinition(Model):
    """A labelled value: `[[blocks.facts]]`."""

    label: str = Field(description="String key or template.")
    value: str = Field(description="String key or template.")
    when: str = Field(default="", description="As for blocks; false leaves the fact out.")
    mono: StrictBool = Field(default=False, description="An identifier: fixed width, left to right.")


class ActionDefinition(Model):
    """A link as a button: `[[blocks.actions]]`."""

    label: str = Field(description="String key or template.")
    url: str = Field(description="A template or a URL; http, https or mailto, else the action is left out.")
    when: str = Field(default="", description="As for blocks; false leaves the action out.")
    primary: StrictBool = Field(default=False, description="Whether it is the button that stands out.")


BlockKind = Literal["text", "facts", "error", "list", "actions", "image", "divider"]


class BlockDefinition(Model):
    """One block: which of the fields it has depends on its kind. Text is a string key, or a template (`{{`)."""

    id: str = Field(description="Names the block; packs laid over this one change it by this.")
    kind: BlockKind = Field(description="Which partial shows it.")
    priority: StrictInt = Field(
        default=50, ge=0, le=100, description="Where a channel lacks room, lower goes first; 100 never goes."
    )
    when: str = Field(default="", description="An expression over `event`; false leaves the block out.")
    audience: tuple[Side, ...] = Field(default=(), description="Who gets to see it; everybody if empty.")
    heading: str = Field(default="", description="text, facts, error, list: the line above it.")
    text: str = Field(default="", description="text, error: what it says.")
    code: str = Field(default="", description="error: the stable code.")
    items: tuple[str, ...] = Field(default=(), description="list: one entry each.")
    facts: tuple[FactDefinition, ...] = Field(default=(), description="facts: the labelled values.")
    actions: tuple[ActionDefinition, ...] = Field(default=(), description="actions: the links.")
    url: str = Field(default="", description="image: http or https.")
    alt: str = Field(default="", description="image: what it shows, in words.")
    width: StrictInt | None = Field(default=None, description="image: pixels.")


class BlockOverlay(Model):
    """A block as one pack has it: what is given changes the parent's; `kind` is needed where the block is new."""

    id: Annotated[str, StringConstraints(min_length=1)] = Field(description="The block this is about, or a new one.")
    after: str | None = Field(default=None, description="The block it is to stand after.")
    before: str | None = Field(default=None, description="The block it is to stand before.")
    kind: BlockKind | None = Field(default=None, description="Which partial shows it.")
    priority: StrictInt | None = Field(default=None, ge=0, le=100, description="Lower goes first; 100 never goes.")
    when: str | None = Field(default=None, description="An expression over `event`; false leaves the block out.")
    audience: tuple[Side, ...] | None = Field(
        default=None,
        description="Who gets to see it: `user` (the event's), `customer`, `seller`, `distributor`, `platform`; "
        "everybody if empty. Recipients who see different blocks get separate messages.",
    )
    heading: str | None = Field(default=None, description="text, facts, error, list: the line above it.")
    text: str | None = Field(default=None, description="text, error: what it says.")
    code: str | None = Field(default=None, description="error: the stable code.")
    items: tuple[str, ...] | None = Field(default=None, description="list: one entry each.")
    facts: tuple[FactDefinition, ...] | None = Field(default=None, description="facts: the labelled values.")
    actions: tuple[ActionDefinition, ...] | None = Field(default=None, description="actions: the links.")
    url: str | None = Field(default=None, description="image: http or https.")
    alt: str | None = Field(default=None, description="image: what it shows, in words.")
    width: StrictInt | None = Field(default=None, description="image: pixels.")

    @field_validator("before")
    @classmethod
    def _one_place(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("after") is not None:
            raise ValueError("either `after` or `before`, not both")
        return value

    def change(self) -> dict[str, Any]:
        """The fields that are given, without the place."""
        return self.model_dump(exclude_unset=True, exclude={"after", "before"})


class NotificationDefinition(Model):
    """A whole definition, after the overlays of all packs of the chain."""

    event: str
    subject: str
    preheader: str = ""
    title: str
    greeting: str = ""
    closing: str = ""
    signature: tuple[str, ...] = ()
    footer: str = ""
    blocks: tuple[BlockDefinition, ...]


class NotificationOverlay(Model):
    """`notifications/<name>.toml` as one pack has it: differences against its parent."""

    format: Format = Field(default=1, description="Version of the format: 1.")
    event: str | None = Field(default=None, description="The event type it tells of.")
    subject: str | None = Field(default=None, description="Subject of the e-mail.")
    preheader: str | None = Field(default=None, description="What an inbox shows beside the subject.")
    title: str | None = Field(default=None, description="The headline.")
    greeting: str | None = Field(default=None, description="The line of address.")
    closing: str | None = Field(default=None, description="The last paragraph.")
    signature: tuple[str, ...] | None = Field(default=None, description="Who signs, one line each.")
    footer: str | None = Field(default=None, description="The small print.")
    remove: tuple[str, ...] = Field(
        default=(), max_length=MAX_BLOCKS, description="Ids of the parent's blocks to leave out."
    )
    blocks: tuple[BlockOverlay, ...] = Field(
        default=(),
        max_length=MAX_BLOCKS,
        description="Blocks by id: one the parent has is changed field by field, a new one is added at the end, or "
        "where `after` or `before` says; with either, one the parent has is moved.",
    )
