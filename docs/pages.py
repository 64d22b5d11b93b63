"""The generated pages, one function each. Every one returns Markdown."""
# ruff: noqa: INP001 - see generate.py

import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, get_args

import api_page
import meanings
from markdown import code, field_table, fields, table, words

from livery import Config, Engine, errors, hookspecs
from livery.config import Images
from livery.models.base import Model
from livery.models.delivery import Outcome, Reason, State
from livery.models.event import Event
from livery.models.tenant import Contact, EventSettings, Place, Sender, Tenant
from livery.outbound import OutboundPolicy
from livery.packs import manifest
from livery.packs.filters import FILTERS, TESTS
from livery.packs.tokens import describe
from livery.settings.fields import FIELDS, Field
from livery.settings.quiet import QuietPeriod


class Facts:
    """The engine as Livery alone makes it: plugins of other distributions are left out."""

    @cached_property
    def engine(self) -> Engine:
        strangers = [one.name for one in Engine(Config()).plugins if one.distribution != "livery"]
        return Engine(Config(blocked_plugins=tuple(strangers)))

    @cached_property
    def hooks(self) -> dict[str, Callable[..., Any]]:
        """In the order of the flow, as the module has them."""
        return {name: one for name, one in vars(hookspecs).items() if name.startswith("livery_")}


# --------------------------------------------------------------------------- settings


def settings(facts: Facts) -> str:
    policies = ("delivery", "retention", "directory", "domains", "packs", "server", "sign_in")
    inner = ("sender", "outbound", "images", "channels", "tenants", *policies)
    parts = [meanings.SETTINGS]

    def section(title: str, model: Any, said: str = "", **options: Sequence[str]) -> None:
        doc = (inspect.getdoc(model) or "").split("\n\n")[0]
        parts.append(f"## `{title}`\n\n{said or doc}\n\n{field_table(model, **options)}")

    section("livery.toml", Config, "The top of the file.", without=inner)
    section("[sender]", Sender, "The platform's own From address.", without=("name", "reply_to"))
    section("[outbound]", OutboundPolicy)
    section("[images]", Images)
    for name in policies:
        model = type(getattr(Config(), name))
        said = (inspect.getdoc(model) or "").partition(": ")[2].split("\n\n")[0]
        section(f"[{name}]", model, said[:1].upper() + said[1:])
    apart = ("id", "sender", "contacts", "settings", "channels", "brand")
    section("[tenants.<id>]", Tenant, meanings.TENANT, without=apart, filled=("level", "name"))
    section("[tenants.<id>.sender]", Sender, meanings.SENDER)
    section("[tenants.<id>.contacts.<kind>]", Contact)
    section("[tenants.<id>.settings.<event type>]", EventSettings, meanings.EVENT_SETTINGS)
    section("[tenants.<id>.settings.<event type>.to]", Place, "The same for `cc` and `bcc`.")
    parts.append(f"## `[tenants.<id>.brand]`\n\n{meanings.BRAND}")
    for name, kind in sorted(facts.engine.channels.types.items()):
        channel = kind.load()
        if channel.Settings.model_fields:
            section(f"[channels.{name}]", channel.Settings, f"The operator's settings of the channel `{name}`.")
            for field, model in _tables(channel.Settings):
                section(f"[[channels.{name}.{field}]]", model)
        else:
            parts.append(f"## `[channels.{name}]`\n\nThe channel `{name}` has no settings of the operator's.")
        if channel.Destination.model_fields:
            section(f"[[tenants.<id>.channels.{name}]]", channel.Destination, meanings.destination(kind))
    parts.append(f"## Settings in the store\n\n{meanings.STORED}\n\n{_stored()}")
    parts.append(f"## Quiet periods\n\n{inspect.getdoc(QuietPeriod)}\n\n{field_table(QuietPeriod)}")
    return "# Settings\n\n" + "\n\n".join(parts) + "\n"


def _stored() -> str:
    def of(one: Field) -> str:
        return "one channel" if one.needs_channel else "event types and channels"

    rows = [(code(one.name), meanings.KINDS[one.kind], of(one), one.summary) for one in FIELDS.values()]
    return table(("setting", "takes", "can differ by", "meaning"), rows)


def _tables(model: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a model that are lists of tables, and what a table is."""
    for name, field in model.model_fields.items():
        for one in get_args(field.annotation):
            if isinstance(one, type) and issubclass(one, Model):
                yield name, one


# --------------------------------------------------------------------------- hooks


def hooks(facts: Facts) -> str:
    common = inspect.getdoc(hookspecs).split("\n\n", 1)[1]  # type: ignore[union-attr]
    parts = ["# Hooks", "In the order of the flow. How to write a plugin: [plugins](../plugins.md).", common]
    for name, function in facts.hooks.items():
        summary, arguments = _docstring(inspect.getdoc(function) or "")
        parts.append(f"## `{name}`\n\n```python\n{_signature(name, function)}\n```\n\n{summary}")
        if arguments:
            parts.append("\n".join(f"- {code(argument)}: {said}" for argument, said in arguments))
    return "\n\n".join(parts) + "\n"


_WIDEST = 120


def _signature(name: str, function: Callable[..., Any]) -> str:
    signature = str(inspect.signature(function))
    signature = re.sub(r"<class '([\w.]+)'>", r"\1", signature)
    signature = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", signature)
    line = f"def {name}{signature}: ..."
    if len(line) <= _WIDEST:
        return line
    arguments, arrow, result = signature.rpartition(" -> ")
    return f"def {name}(\n    {arguments[1:-1]}\n){arrow}{result}: ..."


def _docstring(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The prose, and the lines of its `Args:` as (name, text)."""
    prose, _, rest = text.partition("\n\nArgs:\n")
    found = re.findall(r"^ {4}(\w+): (.*?)(?=^ {4}\w+: |\Z)", rest, re.DOTALL | re.MULTILINE)
    return prose, [(name, " ".join(said.split())) for name, said in found]


def hook_table(facts: Facts) -> str:
    rows = [
        (f"[`{name}`](reference/hooks.md#{name})", (inspect.getdoc(one) or "").split("\n")[0])
        for name, one in facts.hooks.items()
    ]
    return table(("hook", "what for"), rows)


# --------------------------------------------------------------------------- events


def events(facts: Facts) -> str:
    parts = ["# Events", meanings.EVENTS, "## The envelope", field_table(Event, "field", without=("data",))]
    for name, kind in sorted(facts.engine.types.items()):
        told = {place: getattr(kind, place) for place in ("to", "cc", "bcc")}
        who = "; ".join(f"{place.title()}: {', '.join(map(code, wanted))}" for place, wanted in told.items() if wanted)
        schema = kind.data.model_json_schema()
        rows = list(_leaves(schema, schema.get("$defs", {}), "data"))
        where = f"notifications/{kind.notification}.toml"
        said = f"{inspect.getdoc(kind.data)} By default told to {who}. What is said: `{where}` in a pack."
        parts += [f"## `{name}`", said, table(("field", "type", "required", "meaning"), rows)]
        chain = facts.engine.library.chain("base")
        if samples := [one for pack in chain.packs for one in pack.samples(kind.notification)]:
            _, sample = next((one for one in samples if ".en." in one[0]), samples[0])
            parts.append(f"An example:\n\n```json\n{sample.decode('utf-8').strip()}\n```")
    return "\n\n".join(parts) + "\n"


def _leaves(schema: Mapping[str, Any], defs: Mapping[str, Any], path: str) -> Iterable[tuple[str, str, str, str]]:
    for name, field in schema["properties"].items():
        refs = [one["$ref"] for one in (field, *field.get("anyOf", ())) if "$ref" in one]
        must = "yes" if name in schema.get("required", ()) else ""
        if refs:
            yield code(f"{path}.{name}"), "object", must, field["description"]
            yield from _leaves(defs[refs[0].rsplit("/", 1)[-1]], defs, f"{path}.{name}")
        else:
            yield code(f"{path}.{name}"), words(field, defs), must, field["description"]


# --------------------------------------------------------------------------- command line


def commands() -> list[tuple[str, Any]]:
    """(`livery send`, command) of every command that does something."""
    from typer.main import get_command

    from livery.cli import app

    def walk(path: str, command: Any) -> Iterable[tuple[str, Any]]:
        inner = getattr(command, "commands", {})
        if not inner:
            yield path, command
        for name, one in inner.items():
            yield from walk(f"{path} {name}", one)

    return list(walk("livery", get_command(app)))


def cli(facts: Facts) -> str:
    del facts
    parts = ["# Command line", meanings.CLI, f"## Exit codes\n\n{exit_codes()}"]
    for path, command in commands():
        arguments = [one for one in command.params if not one.opts[0].startswith("-")]
        options = [one for one in command.params if one.opts[0].startswith("-")]
        usage = " ".join([path, *(["[OPTIONS]"] if options else []), *(_metavar(one) for one in arguments)])
        parts.append(f"## `{path}`\n\n{command.help}\n\n```text\n{usage}\n```")
        rows = [(code(_metavar(one)), _help(one)) for one in arguments]
        rows += [(", ".join(map(code, one.opts)), _help(one)) for one in options]
        parts.append(table(("argument or option", "meaning"), rows))
    return "\n\n".join(parts) + "\n"


def _metavar(argument: Any) -> str:
    return argument.name.upper() + ("..." if argument.nargs == -1 else "")


def _help(one: Any) -> str:
    given = "" if one.default in (None, False) else f" Default: `{one.default}`."
    return f"{one.help}{given}"


def cli_table(facts: Facts) -> str:
    del facts
    return table(
        ("command", "what it does"), [(code(path), command.help.split("\n")[0]) for path, command in commands()]
    )


def exit_codes(facts: Facts | None = None) -> str:
    del facts
    return table(("code", "meaning"), [(str(number), said) for number, said in meanings.EXIT_CODES.items()])


# --------------------------------------------------------------------------- channels


def channels(facts: Facts) -> str:
    parts = ["# Channels", meanings.CHANNELS]
    for name, kind in sorted(facts.engine.channels.types.items()):
        limits = {field: value for field, value in kind.limits.model_dump().items() if value}
        persons = kind.addressing == "persons"
        rows = [
            ("format", code(kind.format.value)),
            ("writes to", "persons: one message for To, Cc and Bcc" if persons else "endpoints: one message each"),
            ("limits", ", ".join(f"{key} {value:,}" for key, value in limits.items()) or "none known"),
            ("retries", _ladder(kind.ladder)),
            ("needs", f"`pip install 'livery[{kind.extra}]'`" if kind.extra else "nothing more"),
        ]
        if not persons:
            levels = "add up" if kind.cumulative else "the lowest level's replace those above"
            rows.insert(2, ("destinations of several levels", levels))
        parts.append(f"## `{name}`\n\n{kind.summary}.\n\n{table(('', ''), rows)}")
    return "\n\n".join(parts) + "\n"


def _ladder(ladder: Sequence[int]) -> str:
    if not ladder:
        return "none"
    return f"{len(ladder)}: after {', '.join(map(_span, ladder))} ({_span(sum(ladder))} in all)"


def _span(seconds: int) -> str:
    left = timedelta(seconds=seconds)
    hours, minutes = divmod(int(left.total_seconds()) // 60, 60)
    parts = [
        f"{hours} h" if hours else "",
        f"{minutes} min" if minutes else "",
        f"{seconds % 60} s" if seconds % 60 else "",
    ]
    return " ".join(filter(None, parts))


# --------------------------------------------------------------------------- webhooks


def webhooks(facts: Facts) -> str:
    from livery_webhook import mapping

    parts = [
        "# Webhooks",
        meanings.WEBHOOKS,
        "## Headers",
        table(("header", "value"), meanings.WEBHOOK_HEADERS.items()),
    ]
    parts += ["## What your answer does", table(("answer", "what becomes of it"), meanings.WEBHOOK_ANSWERS.items())]
    parts.append(f"## The body `cloudevent`\n\n{meanings.WEBHOOK_BODY}")
    for name, kind in sorted(facts.engine.types.items()):
        schema = json.dumps(kind.schema_of_event(), ensure_ascii=False, indent=2)
        title = f"<summary>JSON Schema of <code>{name}</code></summary>"
        parts.append(f"<details>{title}\n\n```json\n{schema}\n```\n\n</details>")
    shipped = mapping.shipped()
    rows = [(code(where), said) for where, said in shipped.sources()]
    said = f"{shipped.summary}. Sent as `{shipped.content_type}`."
    parts.append(f"## The body `{mapping.SHIPPED}`\n\n{said}\n\n{table(('key', 'what stands there'), rows)}")
    return "\n\n".join(parts) + "\n"


# --------------------------------------------------------------------------- states


def states(facts: Facts) -> str:
    del facts
    outcome = Outcome.model_json_schema()["properties"]["status"]["enum"]
    parts = [
        "# States and reasons",
        "## States of a delivery", table(("state", "meaning"), _meant(State, meanings.STATES)),
        "## Outcomes of an attempt", table(("outcome", "meaning"), _meant(outcome, meanings.OUTCOMES)),
        "## Reasons", table(("reason", "meaning", "what to do"), _meant(Reason, meanings.REASONS)),
        "## Alarms", meanings.ALARMS,
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _meant(members: Iterable[Any], said: Mapping[str, Any]) -> list[tuple[str, ...]]:
    names = [str(one) for one in members]
    if set(names) != set(said):
        raise SystemExit(f"docs/meanings.py is behind the code: {sorted(set(names) ^ set(said))}")
    return [(code(name), *((said[name],) if isinstance(said[name], str) else said[name])) for name in names]


def error_tree(facts: Facts) -> str:
    """The tree of errors, as the module shows it."""
    del facts
    return "```text\n" + (inspect.getdoc(errors) or "").partition("\n\n")[2] + "\n```"


def tables(facts: Facts) -> str:
    """The tables a new store holds."""
    del facts
    from sqlalchemy import create_engine
    from sqlalchemy import inspect as look

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/livery.db"
        with Engine(Config(database_url=url)) as engine:
            engine.counts()
        database = create_engine(url)
        names = sorted(look(database).get_table_names())
        database.dispose()
    return ", ".join(map(code, names))


# --------------------------------------------------------------------------- packs


def packs(facts: Facts) -> str:
    base = facts.engine.library.packs["base"]
    overlay = [row for row in fields(manifest.NotificationOverlay) if row[0] != "blocks"]
    blocks = field_table(manifest.BlockDefinition, "field", without=("facts", "actions"))
    parts = [
        "# Packs: every field",
        "What each is for: [packs](../packs.md).",
        f"## `pack.toml`\n\n{field_table(manifest.PackManifest, 'field')}",
        f"## `notifications/<name>.toml`\n\n{meanings.OVERLAY}\n\n"
        + table(("field", "type", "default", "meaning"), [(code(row[0]), *row[1:]) for row in overlay]),
        f"## `[[blocks]]`\n\n{meanings.BLOCKS}\n\n{blocks}",
        f"## `[[blocks.facts]]`\n\n{field_table(manifest.FactDefinition, 'field')}",
        f"## `[[blocks.actions]]`\n\n{field_table(manifest.ActionDefinition, 'field')}",
        f"## Filters and tests\n\n{meanings.FILTERS}\n\n{_filters()}",
        "## Tokens of the base pack\n\nWhat they colour: the README of the base pack.\n\n"
        + table(
            ("token", "type", "default"),
            [
                (code(row.name), row.type, code(row.value) if row.value else "")
                for row in describe(facts.engine.library.chain("base").token_layers())
            ],
        ),
        "## Texts of the base pack\n\nIn English.\n\n"
        + table(("key", "text"), [(code(key), " ".join(text.split())) for key, text in base.strings["en"].items()]),
    ]
    return "\n\n".join(parts) + "\n"


def _filters() -> str:
    own = meanings.OWN_FILTERS
    if missing := set(own) - set(FILTERS):
        raise SystemExit(f"docs/meanings.py names filters that are gone: {sorted(missing)}")
    theirs = ", ".join(code(name) for name in sorted(set(FILTERS) - set(own)))
    tests = ", ".join(code(name) for name in sorted(TESTS))
    mine = table(("filter", "gives"), [(code(name), said) for name, said in own.items()])
    return f"{mine}\n\nAs in Jinja: {theirs}.\n\nTests, as in Jinja: {tests}."


PAGES: dict[str, Callable[[Facts], str]] = {
    "settings": settings, "cli": cli, "events": events, "channels": channels, "states": states, "hooks": hooks,
    "packs": packs, "webhooks": webhooks, "api": lambda facts: api_page.api(facts.engine),
}  # fmt: skip
PASSAGES: dict[str, Callable[[Facts], str]] = {
    "cli": cli_table,
    "exit-codes": exit_codes,
    "hooks": hook_table,
    "tables": tables,
    "errors": error_tree,
}
