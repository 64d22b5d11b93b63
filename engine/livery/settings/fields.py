"""Fields: everything that can be set at a level, and what each takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError

from livery.errors import NotFound, Problem, SettingsError, shown
from livery.models.event import Id
from livery.models.tenant import Address, Selector
from livery.settings.quiet import QuietPeriod

Kind = Literal["scalar", "list", "table"]


def _a_line(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("one line of text")
    return text.strip()


def _a_whole_selector(text: str) -> str:
    kind, _, rest = text.partition(":")
    if kind != "event_user" and not rest.strip():
        raise ValueError(f"something after `{kind}:`")
    if kind == "event_user" and text != kind:
        raise ValueError("nothing after `event_user`")
    if not text.isprintable():
        raise ValueError("one line of text")
    return text.strip()


Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=85)]
Line = Annotated[str, StringConstraints(max_length=400), AfterValidator(_a_line)]
WholeSelector = Annotated[Selector, AfterValidator(_a_whole_selector), StringConstraints(max_length=400)]
_ITEM_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
ItemName = Annotated[str, StringConstraints(pattern=f"^{_ITEM_NAME}$")]


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that can be set.

    Attributes:
        name: as people write it.
        kind: `scalar` (one value), `list` (selectors) or `table` (items by name).
        of: the type of the value, of a selector, or of an item.
        summary: what it decides.
        per_event: whether event types may differ; if not, it is said of all of them.
        needs_channel: whether it can only be said of one channel.
        is_owned: a table of which each level has its own: nothing below changes an item of above.
        is_inherited: whether the levels below get it.
        is_secret: whether its values are never to be shown.

    """

    name: str
    kind: Kind
    of: Any
    summary: str
    per_event: bool = True
    needs_channel: bool = False
    is_owned: bool = False
    is_inherited: bool = True
    is_secret: bool = False


FIELDS: Mapping[str, Field] = {
    one.name: one
    for one in (
        Field("enabled", "scalar", bool, "Whether anybody is told at all, or by this channel."),
        Field("to", "list", WholeSelector, "Who it is addressed to."),
        Field("cc", "list", WholeSelector, "Who gets a copy that everybody sees."),
        Field("bcc", "list", WholeSelector, "Who gets a copy that nobody else sees."),
        Field("locale", "scalar", Locale, "The default language, as a BCP 47 tag."),
        Field(
            "locale_policy",
            "scalar",
            Literal["reader", "tenant"],
            "`reader`: write in the first To recipient's language, else in `locale`. `tenant`: always in `locale`.",
        ),
        Field("pack", "scalar", Id, "Id of the template pack."),
        Field(
            "sender.name",
            "scalar",
            Line,
            "Display name of the sender; the tenant's own name if absent. Not inherited.",
            is_inherited=False,
        ),
        Field("sender.address", "scalar", Address, "The From address; counts only if its domain is verified."),
        Field("sender.reply_to", "scalar", Address, "Where answers go."),
        Field(
            "destinations",
            "table",
            dict,
            "Where a channel delivers to, each under a name. Of webhooks every level's count; of other channels "
            "the lowest level's that has some.",
            needs_channel=True,
            is_owned=True,
            is_secret=True,
        ),
        Field(
            "quiet",
            "table",
            QuietPeriod,
            "Periods, each under a name, in which event types that are not critical wait for the end.",
        ),
    )
}


def field_of(name: str) -> Field:
    """A field by its name.

    Raises:
        NotFound: names the fields there are.

    """
    found = FIELDS.get(name)
    if found is None:
        raise NotFound(f"no setting is called {name!r}; there are: {', '.join(FIELDS)}")
    return found


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(FIELDS[name].of)


def checked(field: Field, value: Any, at: str = "") -> Any:
    """A value, a selector or an item of a field, as plain data in its normal form.

    Raises:
        SettingsError: says what is expected; never repeats a secret.

    """
    adapter = _adapter(field.name)
    try:
        return adapter.dump_python(adapter.validate_python(value), mode="json", by_alias=True, exclude_defaults=True)
    except ValidationError as error:
        problems = []
        for one in error.errors(include_url=False, include_context=False):
            path = ".".join([at or field.name, *(str(part) for part in one["loc"])])
            expected = one["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
            problems.append(Problem(path, expected, "" if field.is_secret else shown(one["input"])))
        raise SettingsError("the setting is wrong:", problems) from None


@cache
def _item_name() -> TypeAdapter[str]:
    return TypeAdapter(ItemName)


def checked_name(field: Field, name: str) -> str:
    """The name of an item of a table.

    Raises:
        SettingsError: it is none.

    """
    try:
        return _item_name().validate_python(name)
    except ValidationError:
        expected = "a name of letters, digits, `.`, `_` and `-`, such as `erp`"
        raise SettingsError("the setting is wrong:", [Problem(field.name, expected, shown(name))]) from None
