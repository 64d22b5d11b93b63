"""`livery domain`: domains that tenants' mail may come from."""

from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.output import FAILED, ConfigOption, JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from livery.sender_domains import SenderDomain

Tenant = Annotated[str, typer.Argument(help="Whose; it counts for all below it.", show_default=False)]
Domain = Annotated[str, typer.Argument(help="Such as seller.example.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    domain = typer.Typer(no_args_is_help=True, help="Domains that tenants' mail may come from.")
    for name, command in (("list", list_), ("add", add), ("check", check), ("remove", remove)):
        domain.command(name)(output.command(command))
    app.add_typer(domain, name="domain")


def list_(
    config: ConfigOption = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's, and of those below it.")] = None,
    domain: Annotated[str | None, typer.Option(help="Only this domain.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List tenants' domains, and whether they are verified."""
    with output.opened(config) as engine:
        found = engine.domains.find(tenant=tenant, domain=domain)
        by_file = engine.config.verified_domains
    if as_json:
        output.emit([one.plain() for one in found])
        return
    if found:
        _table(found)
    else:
        output.note("No tenant has a domain.")
    if by_file:
        output.note(f"By livery.toml every tenant's mail may come from: {', '.join(by_file)}.")


def add(tenant: Tenant, domain: Domain, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Say that a domain is a tenant's own, and print the DNS record that proves it. Run again, it prints the same."""
    with output.opened(config) as engine:
        one = engine.domains.add(tenant, domain)
    if as_json:
        output.emit(one.plain())
    elif one.counts:
        typer.echo(f"{one.domain} is {one.tenant}'s already.")
    else:
        name, text = one.record
        typer.echo(f'Publish this record:\n\n  {name}.  TXT  "{text}"\n')
        typer.echo(f"Then: livery domain check {one.tenant} {one.domain}")


def check(tenant: Tenant, domain: Domain, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Ask DNS now; ends with 1 if the domain is not verified."""
    with output.opened(config) as engine:
        one = engine.domains.check(tenant, domain)
    if as_json:
        output.emit(one.plain())
    else:
        typer.echo(f"{'✓' if one.counts else '✗'} {one.domain} of {one.tenant}: {_said(one)}")
        if one.detail:
            typer.echo(f"  {one.detail}")
    if not one.counts:
        raise typer.Exit(FAILED)


def remove(tenant: Tenant, domain: Domain, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Take a domain from a tenant: its mail comes from there no more."""
    with output.opened(config) as engine:
        one = engine.domains.remove(tenant, domain)
    if as_json:
        output.emit(one.plain())
    else:
        typer.echo(f"Removed: {one.domain} of {one.tenant}.")


def _said(one: "SenderDomain") -> str:
    if one.counts:
        return "verified" if one.status == "verified" else "verified; DNS could not be asked again"
    return "no longer verified" if one.is_lost else "not verified"


def _table(found: "Sequence[SenderDomain]") -> None:
    from rich.text import Text

    colours = {True: "green", False: "yellow"}
    rows = [
        (one.domain, one.tenant, Text(_said(one), style="red" if one.is_lost else colours[one.counts]),
         f"{one.checked_at:%Y-%m-%d %H:%M}" if one.checked_at else "never", _to_publish(one))
        for one in found
    ]  # fmt: skip
    output.table(("domain", "tenant", "state", "asked, UTC", "to publish"), rows)


def _to_publish(one: "SenderDomain") -> "Text":
    """In full however narrow it is: it is there to be copied."""
    from rich.text import Text

    name, text = one.record
    return Text("" if one.counts else f"{name} TXT {text}", overflow="fold")
