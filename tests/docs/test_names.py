"""Every hook, setting, command and identifier that README and docs name exists in the code."""

import builtins
import inspect
import re
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
import typer
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

import livery
from docs.reading import PAGES, ROOT, blocks, name_of, spans
from livery import Config, Engine, hookspecs, plugin
from livery.cli import app
from livery.execution.pgqueuer import statements
from livery.models.tenant import SELECTORS
from livery.packs.filters import FILTERS
from livery.settings import fields as setting_fields
from livery.storage import schema
from livery.telemetry import FIELDS, Telemetry

HOOKS = {name for name in vars(hookspecs) if name.startswith("livery_")}


def commands():
    """Every command and what it takes: {("deliveries", "list"): {"--state", …}}."""
    found = {}

    def walk(path, command):
        found[path] = {name for one in command.params for name in one.opts}
        for name, inner in getattr(command, "commands", {}).items():
            walk((*path, name), inner)

    walk((), typer.main.get_command(app))
    return found


def named_commands(page):
    """Every `livery …` on a page: in spans of code and in console blocks."""
    lines = [span for span in spans(page) if span.startswith("livery ")]
    for block in blocks(page):
        if block.language in ("console", "sh"):
            lines += re.findall(r"(?:^|\s|/)(livery (?!\.)[^|>&;#\n]*)", block.text)
    return lines


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_and_option_named_exists(page):
    known = commands()
    for line in named_commands(page):
        said = [word for word in line.split()[1:] if word not in ("…", "[OPTIONS]")]
        path = ()
        while said and (*path, said[0]) in known:
            path = (*path, said.pop(0))
        assert path or line in ("livery --version", "livery --help") or said == [], f"{line!r} is no command"
        options = {word for word in said if re.fullmatch(r"--?[a-z-]+", word)}
        assert options <= known[path] | {"--help", "-h", "-"}, f"{line!r}: {options - known[path]}"


def test_every_hook_is_in_the_docs_and_used_by_an_example_or_a_test():
    reference = (ROOT / "docs/reference/hooks.md").read_text("utf-8")
    used = [*(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    code = "\n".join(file.read_text("utf-8") for file in used if file != Path(__file__))
    for hook in HOOKS:
        assert f"## `{hook}`" in reference
        assert f"def {hook}(" in code, f"no example and no test implements {hook}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_hook_named_exists(page):
    assert set(re.findall(r"\blivery_(?:register|resolve|amend|on)_\w+", page.read_text("utf-8"))) <= HOOKS


# --------------------------------------------------------------------------- settings


def settings(model=Config, prefix=""):
    """Every dotted path of a setting, `*` for keys that people choose."""
    schema = model.model_json_schema()

    def walk(one, path):
        one = schema["$defs"][one["$ref"].rsplit("/", 1)[-1]] if "$ref" in one else one
        yield path
        for name, inner in one.get("properties", {}).items():
            yield from walk(inner, f"{path}.{name}".lstrip("."))
        for either in one.get("anyOf", ()):
            yield from walk(either, path)
        if isinstance(one.get("additionalProperties"), dict):
            yield from walk(one["additionalProperties"], f"{path}.*")

    return {f"{prefix}{path}" for path in walk(schema, "")} - {""}


def all_settings():
    found = settings()
    for name, kind in Engine(Config()).channels.types.items():
        channel = kind.load()
        found |= settings(channel.Settings, f"channels.{name}.") | {f"channels.{name}"}
        found |= settings(channel.Destination, f"tenants.*.channels.{name}.") | {f"tenants.*.channels.{name}"}
    return found


def is_setting(path, known):
    parts = path.split(".")
    return any(
        len(parts) == len(one := known_path.split("."))
        and all(theirs in ("*", ours) or ours == "*" for ours, theirs in zip(parts, one, strict=True))
        for known_path in known
    )


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_named_exists(page):
    known = all_settings()
    text = page.read_text("utf-8")
    for name in re.findall(r"\bLIVERY_[A-Z_]+[A-Z]", text):
        path = name.removeprefix("LIVERY_").lower().replace("__", ".")
        assert name == "LIVERY_CONFIG" or is_setting(path, known), name
    for span in spans(page):
        # Tables as `[channels.smtp]` and `[[tenants.<id>.channels.slack]]`, paths as `outbound.allow`.
        header = re.fullmatch(r"\[+([a-z_.<> -]+)\]+", span)
        path = re.sub(r"<[^>]*>", "*", header[1] if header else span)
        first = path.partition(".")[0]
        is_path = re.fullmatch(r"[a-z_]+(\.[a-z_*-]+)+", path) and first in Config.model_fields
        if is_path or (header and first in Config.model_fields):
            assert is_setting(path, known | {"*"}) or first == "sender", span


# --------------------------------------------------------------------------- words


def vocabulary():
    """Every identifier with an underscore that the docs may use: names of the public code and of the packs."""
    words = {*dir(builtins), *HOOKS, *vars(plugin), *dir(Engine), *vars(Config)}
    for module in walk_packages(livery.__path__, "livery."):
        if ".migrations" in module.name:
            continue
        for name, value in vars(import_module(module.name)).items():
            words.add(name)
            words |= _inside(value)
    for point in Engine(Config()).plugins:
        words.add(point.name)
    for kind in Engine(Config()).channels.types.values():
        channel = kind.load()
        words |= _inside(channel) | _inside(channel.Settings) | _inside(channel.Destination)
        words |= _fields(channel.Settings)
    for kind in Engine(Config()).types.values():
        words |= _fields(kind.data) | {kind.notification}
    base = Engine(Config()).library.packs["base"]
    words |= set(base.manifest.tokens) | {part for key in base.strings["en"] for part in key.split(".")}
    definition = (base.folder / "notifications/offer_provision_error.toml").read_text("utf-8")
    words |= set(re.findall(r'^id = "(\w+)"', definition, re.MULTILINE))
    words |= {selector.rstrip(":") for selector in SELECTORS}
    for method in [one for _, one in inspect.getmembers(Engine, inspect.isfunction)]:
        words |= set(inspect.signature(method).parameters)
    return words | set(FILTERS) | set(setting_fields.FIELDS)


def _inside(value):
    if not inspect.isclass(value):
        return set()
    names = {name for name in dir(value) if not name.startswith("__")}
    if issubclass(value, BaseModel):
        names |= set(value.model_fields)
    if issubclass(value, Enum):
        names |= {str(one.value) for one in value}
    return names | set(getattr(value, "__dataclass_fields__", ()))


def _fields(model):
    return set(re.findall(r"[a-z]\w+", str(model.model_json_schema())))


@pytest.fixture(scope="module")
def known_words():
    # Names that stand in no model: tables, alarms, a key of `plugin list --json`, an example's role.
    tables = {*schema.metadata.tables, schema.VERSION_TABLE, *re.findall(r"livery_pgqueuer\b", statements.PUT)}
    metrics = {family.name for family in text_string_to_metric_families(Telemetry().text())}
    metrics |= {f"{name}_total" for name in metrics}
    fields = {f"livery_{name}" for name in FIELDS}
    return vocabulary() | tables | metrics | fields | {"domain_lost", "hook_failed", "hook_order", "account_manager"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_identifier_named_exists(page, known_words):
    for span in spans(page):
        for word in re.findall(r"(?<![\w/.-])[a-z]+(?:_[a-z0-9]+)+(?![\w/-])", span):
            assert word in known_words, f"{word!r} in `{span}`"
