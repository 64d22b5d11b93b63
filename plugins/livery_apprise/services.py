"""Which services there are, and the URL Apprise wants for one: made of checked fields, never taken from anybody."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

_HOST = re.compile(
    r"(?=.{1,253}\.?$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
)
_TOKEN = re.compile(r"\{(\w+)\}")
_LONGEST = 1000
FIXED = {"redirect": "no", "verify": "yes", "retry": "0", "store": "no"}
"""What every URL says: its own word counts for more than the settings around it."""

Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the allow-list."""

    key: str
    name: str
    scheme: str
    plain: str = ""
    """The scheme without TLS, where there is one: for hosts of one's own."""
    options: tuple[str, ...] = ()


@cache
def services() -> Mapping[str, Service]:
    """Every service the bridge may be configured with, by its key."""
    given = tomllib.loads(Path(__file__).with_name("services.toml").read_text("utf-8"))["services"]
    return {key: Service(key, **{**one, "options": tuple(one.get("options", ()))}) for key, one in given.items()}


def problems(service: str, options: Mapping[str, Any], *, secure: bool) -> Iterator[str]:
    """What is wrong with a target, as far as it can be told without Apprise."""
    known = services().get(service)
    if known is None:
        yield "a service in `livery plugin list --services`"
        return
    if unknown := sorted(set(options) - set(known.options)):
        yield f"options of {service} ({', '.join(known.options) or 'it has none'}), not {', '.join(unknown)}"
    if not secure and not known.plain:
        yield f"secure = true: {service} knows nothing else"


def urls(service: Service, fields: Fields, options: Mapping[str, Any], *, secure: bool = True) -> list[str]:
    """One URL for each of the target's `targets`, one if it has none.

    Raises:
        ValueError: the fields do not fit the service; says which it takes. Holds no value.

    """
    scheme = service.scheme if secure else service.plain
    plugin = _plugin(scheme)
    each = [{**fields, "targets": (one,)} for one in fields["targets"]] if "targets" in fields else [fields]
    query = query_of({key: _plain(value) for key, value in options.items()})
    return [f"{built(scheme, plugin, one)}?{query}" for one in each]


def query_of(given: Mapping[str, str]) -> str:
    """The query of a URL, with what every one says; a space is `%20`, for of `+` Apprise is of two minds."""
    return urlencode({**given, **FIXED}, quote_via=quote)


def built(scheme: str, plugin: Any, fields: Fields) -> str:
    """A URL by one of the plugin's own templates.

    Raises:
        ValueError: as `urls`.

    """
    given = frozenset(fields)
    fitting = [one for one in plugin.templates if frozenset(_TOKEN.findall(str(one))) - {"schema"} == given]
    if not fitting:
        ways = "; ".join(" ".join(one) for one in wanted(plugin))
        raise ValueError(f"the fields of one of: {ways}")
    tokens = plugin.template_tokens
    parts = {name: _part(name, values, tokens.get(name, {})) for name, values in fields.items()}
    return _TOKEN.sub(lambda match: scheme if match[1] == "schema" else parts[match[1]], str(fitting[0]))


def wanted(plugin: Any) -> list[tuple[str, ...]]:
    """The sets of fields a service takes, shortest first."""
    found = {tuple(one for one in _TOKEN.findall(str(way)) if one != "schema") for way in plugin.templates}
    return sorted(found, key=lambda one: (len(one), one))


def fields_of(service: Service) -> list[tuple[str, ...]]:
    """The sets of fields a service takes; none if Apprise is not installed or does not know it."""
    try:
        return wanted(_plugin(service.scheme))
    except (ImportError, ValueError):
        return []


def _plugin(scheme: str) -> Any:
    from apprise.manager_plugins import NotificationManager

    manager: Any = NotificationManager
    try:
        return manager()[scheme]
    except KeyError:
        raise ValueError(f"an Apprise that knows {scheme}") from None


def _part(name: str, values: Sequence[str], token: Mapping[str, Any]) -> str:
    if any(not one or len(one) > _LONGEST or not one.isprintable() for one in values):
        raise ValueError(f"{name}: one line of text, not empty")
    if name == "host":
        return _host(values[0])
    if token.get("type") == "int" or name == "port":
        if not values[0].isdecimal() or not token.get("min", 0) <= int(values[0]) <= token.get("max", 2**31):
            raise ValueError(f"{name}: a number")
        return values[0]
    if (pattern := token.get("regex")) and not _fits(values[0], *pattern):
        raise ValueError(f"{name}: in the form the service has")
    if (choices := token.get("values")) and values[0] not in choices:
        raise ValueError(f"{name}: one of {', '.join(map(str, choices))}")
    if name in ("path", "fullpath"):
        values = [one for one in values[0].split("/") if one]
        if {".", ".."} & set(values):
            raise ValueError(f"{name}: a path without dots")
    return "/".join(quote(one, safe="") for one in values)


def _fits(value: str, pattern: str, flags: str | None) -> bool:
    return re.match(pattern, value, re.IGNORECASE if "i" in (flags or "") else 0) is not None


def _host(host: str) -> str:
    try:
        literal = ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host):
            raise ValueError("host: a name or an address in its usual form") from None
        return host
    return f"[{literal}]" if literal.version == 6 else str(literal)  # noqa: PLR2004


def _plain(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
