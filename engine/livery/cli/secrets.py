"""`livery secrets`: keys for what is stored sealed."""

import typer

from livery.cli import output


def add_to(app: typer.Typer) -> None:
    secrets = typer.Typer(no_args_is_help=True, help="Keys that secrets are sealed with before they are stored.")
    secrets.command("new-key")(output.command(new_key))
    secrets.callback()(lambda: None)
    app.add_typer(secrets, name="secrets")


def new_key() -> None:
    """Print a fresh key. Put it first in `secret_keys`, and keep the older ones behind it."""
    from livery import vault

    typer.echo(vault.new_key())
