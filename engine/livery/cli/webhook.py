"""`livery webhook`: try one out, describe what is posted, make a secret."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livery.cli import output
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.models.delivery import Outcome
    from livery.models.event import EventType
    from livery.trying import Try

CHANNEL = "webhook"
_KEY = 32
_THEN = {
    "delivered": "A delivery would be done.",
    "accepted": "A delivery would be done.",
    "retry": "A delivery would be tried again.",
    "unknown": "It was sent, but no answer came; a delivery would be tried again with the same id.",
    "failed": "A delivery would be given up.",
}
webhook = typer.Typer(no_args_is_help=True, help="Webhooks: try one out, describe what is posted, make a secret.")
TypeArgument = Annotated[
    str | None, typer.Argument(help="An event type, such as OfferProvisionError.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    for name, function in (("test", try_out), ("schema", schema), ("secret", secret)):
        webhook.command(name)(output.command(function))
    app.add_typer(webhook, name="webhook")


def secret() -> None:
    """Make a signing secret: `whsec_` and the base64 of 32 random bytes."""
    typer.echo(_new_secret())


def schema(event_type: TypeArgument = None, config: ConfigOption = None) -> None:
    """Print the JSON Schema of the body that webhooks get: of one event type, or of any."""
    with output.opened(config) as engine:
        types = engine.types
    if event_type is not None:
        output.emit(_kind(types, event_type).schema_of_event())
        return
    schemas = {name: kind.schema_of_event() for name, kind in sorted(types.items())}
    output.emit({"$schema": "https://json-schema.org/draft/2020-12/schema", "oneOf": [*schemas.values()]})


def try_out(
    url: Annotated[str, typer.Argument(help="Where to POST to.")],
    event: Annotated[
        Path | None, typer.Option(help="A file with the event to send as JSON; else an example.", show_default=False)
    ] = None,
    event_type: Annotated[
        str | None, typer.Option("--type", help="The event type of the example.", show_default=False)
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="LIVERY_WEBHOOK_SECRET",
            show_envvar=True,
            show_default=False,
            help="The signing secret; else that of the destination with this URL, else a new one, which is printed.",
        ),
    ] = None,
    authorization: Annotated[
        str | None,
        typer.Option(
            envvar="LIVERY_WEBHOOK_AUTHORIZATION",
            show_envvar=True,
            show_default=False,
            help="Value of an Authorization header.",
        ),
    ] = None,
    body: Annotated[
        str | None, typer.Option(help="`cloudevent`, `platform`, or a name of your own.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """POST a signed event to a URL, once, as a delivery would: same bytes, same guard, same verdict. Stores nothing."""
    import asyncio

    import aiohttp  # now, so that loading it does not count as the far side's time

    from livery.trying import Try

    del aiohttp
    with _engine(config, event) as engine:
        given = {"secret": secret, "authorization": authorization, "body": body}
        asked = {name: value for name, value in given.items() if value is not None}
        destination, new = _destination(engine, url, asked)
        tried = Try(engine, CHANNEL, destination, _event(engine, event, event_type))
        outcome, took = asyncio.run(tried.send())
    if as_json:
        output.emit(
            {"url": tried.label or url, "event": tried.event, **outcome.model_dump(mode="json"), "ms": round(took),
             "secret": new, "body": json.loads(tried.wire)}
        )  # fmt: skip
    else:
        _show(tried, tried.label or url, outcome, took, new)
    if outcome.status not in ("delivered", "accepted"):
        raise typer.Exit(FAILED)


def _engine(config: Path | None, event: Path | None) -> Any:
    """The configured engine; without a configuration, one whose only tenant is the event's seller."""
    if not output.is_trial(config):
        return output.opened(config)
    return output.opened(config, trial=output.read_event(event) if event is not None else _example(None, None))


def _event(engine: "Engine", file: Path | None, event_type: str | None) -> bytes:
    return output.read_event(file) if file is not None else _example(engine, event_type)


def _example(engine: "Engine | None", event_type: str | None) -> bytes:
    """A sample of the packs; without an engine, of those that are installed."""
    from livery.config import Config
    from livery.engine import Engine
    from livery.trying import example

    return json.dumps(example(engine or Engine(Config.load(None)), event_type), ensure_ascii=False).encode()


def _destination(engine: "Engine", url: str, asked: dict[str, str]) -> tuple[Any, str]:
    """The destination to try, and its secret if it was made for this."""
    from pydantic import ValidationError

    from livery.config import problems_of

    known = engine.channels.configured(CHANNEL, lambda one: getattr(one, "url", None) == url)
    if known is not None:
        asked = {**{name: getattr(known, name) for name in type(known).model_fields}, **asked}
    new = "" if asked.get("secret") else _new_secret()
    kind = engine.channels.kind(CHANNEL).load().Destination
    try:
        return kind.model_validate({"url": url, **({"secret": new} if new else {}), **asked}), new
    except ValidationError as error:
        raise ConfigError("this is no webhook:", problems_of(error, "channels.webhook")) from None


def _kind(types: "dict[str, EventType]", name: str) -> "EventType":
    if name not in types:
        raise NotFound(f"no event type is called {name!r}; there are: {', '.join(sorted(types))}")
    return types[name]


def _new_secret() -> str:
    from base64 import b64encode
    from secrets import token_bytes

    return f"whsec_{b64encode(token_bytes(_KEY)).decode()}"


def _show(tried: "Try", label: str, outcome: "Outcome", took: float, new: str) -> None:
    typer.echo(f"POST {label}  ({len(tried.wire):,} bytes: {tried.title})")
    if new:
        typer.echo(f"signed with a new secret; to verify it at the receiver: {new}")
    answer = " ".join(part for part in (outcome.code, outcome.detail) if part) or "nothing"
    typer.echo(f"answer   {answer}  ({took:.0f} ms)")
    reason = f" ({outcome.reason})" if outcome.reason else ""
    typer.echo(f"outcome  {outcome.status}{reason}. {_THEN[outcome.status]}")
