"""`livery token`: who may use the HTTP service, and what for."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.by_hand import who
from livery.cli.output import ConfigOption, JsonOption
from livery.errors import InputError, Problem, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livery.identity import Token

_LASTS = re.compile(r"(\d{1,5})\s*(h|d)")
_UNITS = {"h": "hours", "d": "days"}


def add_to(app: typer.Typer) -> None:
    tokens = typer.Typer(no_args_is_help=True, help="Tokens of the HTTP service: who may do what with it.")
    for name, command in (("create", create), ("list", list_), ("revoke", revoke)):
        tokens.command(name)(output.command(command))
    app.add_typer(tokens, name="token")


def create(
    name: Annotated[str, typer.Argument(help="What it is for, such as `order service`.", show_default=False)],
    role: Annotated[
        list[str], typer.Option("--role", help="sender, viewer, designer, admin or operator; may be repeated.")
    ],
    config: ConfigOption = None,
    tenant: Annotated[
        str | None, typer.Option(help="For this tenant and all below it; for every tenant if not given.")
    ] = None,
    expires: Annotated[str, typer.Option(help="How long it counts: 90d, 12h, or never.")] = "365d",
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a token. It is shown this once: Livery keeps only a hash of it."""
    lasts = _lasts(expires)
    with output.opened(config) as engine:
        token, secret = engine.identity.create_token(name, roles=role, tenant=tenant, lasts=lasts, by=who("").actor)
    if as_json:
        output.emit({**token.plain(), "token": secret})
        return
    output.note(f"{token.id}: {_scope(token)}, {_until(token)}. Keep it now, it is not shown again:")
    typer.echo(secret)


def list_(
    config: ConfigOption = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's, and of those below it.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that count no more.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List tokens, newest first."""
    with output.opened(config) as engine:
        now = engine.now()
        found = [one for one in engine.identity.tokens(tenant=tenant) if every or one.counts(now)]
    _show(found, now, as_json=as_json)


def revoke(
    token: Annotated[str, typer.Argument(help="Its id, as `livery token list` shows it.", show_default=False)],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Let a token count no more, at once."""
    with output.opened(config) as engine:
        gone = engine.identity.revoke(token, by=who("").actor)
    if as_json:
        output.emit(gone.plain())
    else:
        typer.echo(f"{gone.name} ({gone.shown}…) counts no more.")


def _lasts(text: str) -> timedelta | None:
    if text.strip() == "never":
        return None
    found = _LASTS.fullmatch(text.strip())
    if found is None:
        raise InputError("the token is wrong:", [Problem("expires", "90d, 12h or never", shown(text))])
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _show(found: "Sequence[Token]", now: datetime, *, as_json: bool) -> None:
    if as_json:
        output.emit([one.plain() for one in found])
        return
    if not found:
        output.note("There are no tokens; livery token create makes one.")
        return
    rows = [
        (one.id, one.name, f"{one.shown}…", one.tenant or "every tenant", ", ".join(sorted(one.roles)),
         f"{one.used_at:%Y-%m-%d %H:%M}" if one.used_at else "never", _state(one, now), one.by)
        for one in found
    ]  # fmt: skip
    output.table(("id", "name", "begins", "for", "roles", "used", "counts", "by"), rows)


def _state(one: "Token", now: datetime) -> str:
    if one.revoked_at is not None:
        return f"revoked {one.revoked_at:%Y-%m-%d}"
    return _until(one) if one.counts(now) else f"over since {one.expires_at:%Y-%m-%d}"


def _until(one: "Token") -> str:
    return f"until {one.expires_at.astimezone(UTC):%Y-%m-%d}" if one.expires_at else "for ever"


def _scope(one: "Token") -> str:
    where = f"{one.tenant} and all below" if one.tenant else "every tenant"
    return f"{', '.join(sorted(one.roles))} at {where}"
