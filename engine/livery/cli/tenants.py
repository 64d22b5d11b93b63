"""`livery tenant`: the tenants of livery.toml and of the store, as a tree."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from livery.cli import output
from livery.cli.output import ConfigOption, JsonOption
from livery.errors import InputError, Problem

if TYPE_CHECKING:
    from rich.text import Text

    from livery.tenants import Listed

tenants = typer.Typer(no_args_is_help=True, help="Tenants: the platform, its distributors, their sellers.")
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id events name it by.", show_default=False)]
_LEVELS = {"default": "platform", "distributor": "distributor", "seller": "seller"}
_SHOWN_BELOW = 20


def add_to(app: typer.Typer) -> None:
    commands = (("list", list_), ("show", show), ("add", add), ("change", change), ("remove", remove))
    for name, command in commands:
        tenants.command(name)(output.command(command))
    app.add_typer(tenants, name="tenant")


def list_(
    config: ConfigOption = None,
    under: Annotated[str | None, typer.Option(metavar="ID", help="Only this tenant and those below it.")] = None,
    *,
    removed: Annotated[bool, typer.Option("--removed", help="Also those that were removed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the tenants as a tree."""
    with output.opened(config) as engine:
        found = engine.tenants.list(under=under, removed=removed)
    if as_json:
        output.emit([one.plain() for one in found])
    elif found:
        _print(found)
    else:
        typer.echo("No tenants; add the platform first: livery tenant add platform")


def show(tenant: IdArgument, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show one tenant, where what is known of it comes from, and what hangs on it."""
    with output.opened(config) as engine:
        one = engine.tenants.show(tenant)
        chain = engine.tenants.chain(tenant, late=True) or ()
    if as_json:
        output.emit({**one.plain(), "chain": [above.id for above in chain]})
        return
    stands = " and ".join([*(["livery.toml"] if one.configured else []), *(["the store"] if one.row else [])])
    rows = [
        ("tenant", one.tenant.id),
        ("name", one.tenant.name or "as events give it"),
        ("level", _LEVELS[one.tenant.level]),
        ("chain", " → ".join(above.id for above in chain)),
        ("locale", one.tenant.locale or "as above it"),
        ("below it", _few(one.below)),
        ("stands in", stands),
    ]
    if one.row:
        rows.append(("in the store since", f"{one.row.created_at:%Y-%m-%d %H:%M} UTC"))
        rows.append(("changed", f"{one.row.changed_at:%Y-%m-%d %H:%M} UTC"))
    if one.removed:
        rows.append(("removed", "its events are refused; what was sent for it is in livery deliveries list"))
    for label, said in rows:
        typer.echo(f"{label:<20}{said}")


def add(
    tenant: IdArgument,
    config: ConfigOption = None,
    parent: Annotated[str | None, typer.Option(metavar="ID", help="The tenant above; none for the platform.")] = None,
    level: Annotated[
        str | None, typer.Option(help="distributor or seller; a seller if not given. Nobody is below a seller.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Its name as people know it; else as events give it.")] = None,
    locale: Annotated[str | None, typer.Option(help="Its default language, such as de-AT.")] = None,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Bring back a tenant that was removed, with its history.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Add a tenant to the store; its events are accepted from then on."""
    with output.opened(config) as engine:
        engine.tenants.add(tenant, parent=parent, level=level, name=name, locale=locale, again=again)
        _tell(engine.tenants.show(tenant), "Added", as_json=as_json)


def change(
    tenant: IdArgument,
    config: ConfigOption = None,
    parent: Annotated[str | None, typer.Option(metavar="ID", help="Move it below another tenant.")] = None,
    level: Annotated[str | None, typer.Option(help="distributor or seller.")] = None,
    name: Annotated[str | None, typer.Option(help='Its name; "" to take it away.')] = None,
    locale: Annotated[str | None, typer.Option(help='Its default language; "" to take it away.')] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Change a tenant; what is not named stays. For one of livery.toml, the store then says it instead."""
    asked = {"parent": parent, "level": level, "name": name, "locale": locale}
    given: dict[str, Any] = {field: value or None for field, value in asked.items() if value is not None}
    if not given:
        raise InputError(
            "nothing is to be changed:", [Problem("options", "one of --parent, --level, --name, --locale")]
        )
    with output.opened(config) as engine:
        engine.tenants.change(tenant, **given)
        _tell(engine.tenants.show(tenant), "Changed", as_json=as_json)


def remove(tenant: IdArgument, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Remove a tenant from the store. Refused while something hangs on it; what was sent for it stays in the log."""
    with output.opened(config) as engine:
        engine.tenants.remove(tenant)
        _tell(engine.tenants.show(tenant), "Removed", as_json=as_json)


def _tell(one: "Listed", done: str, *, as_json: bool) -> None:
    if as_json:
        output.emit(one.plain())
        return
    above = f" below {one.tenant.parent}" if one.tenant.parent else ""
    typer.echo(f"{done}: {_LEVELS[one.tenant.level]} {one.tenant.id}{above}.")


def _few(ids: tuple[str, ...]) -> str:
    more = f" and {len(ids) - _SHOWN_BELOW} more" if len(ids) > _SHOWN_BELOW else ""
    return f"{', '.join(ids[:_SHOWN_BELOW])}{more}" or "nobody"


def _print(found: "list[Listed]") -> None:
    from rich.tree import Tree

    top = Tree("", hide_root=True, guide_style="bright_black")
    branches: dict[str, Tree] = {}
    for one in found:
        above = branches.get(one.tenant.parent or "", top)
        branches[one.tenant.id] = above.add(_line(one))
    output.console().print(top, no_wrap=True, overflow="ellipsis")


def _line(one: "Listed") -> "Text":
    from rich.text import Text

    line = Text(one.tenant.id, style="bold strike" if one.removed else "bold")
    line.append(f"  {one.tenant.name}" if one.tenant.name else "", style="not bold")
    facts = [_LEVELS[one.tenant.level], *([one.tenant.locale] if one.tenant.locale else [])]
    facts += [*(["livery.toml"] if one.configured else []), *(["store"] if one.row and not one.removed else [])]
    facts += [f"removed {one.row.removed_at:%Y-%m-%d}"] if one.removed and one.row and one.row.removed_at else []
    line.append(f"  {' · '.join(facts)}", style="not bold bright_black")
    return line
