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
    with _engine(config, event) as engine:
        given = {"secret": secret, "authorization": authorization, "body": body}
        asked = {name: value for name, value in given.items() if value is not None}
        destination, new = _destination(engine, url, asked)
        tried = _Try(engine, destination, _event(engine, event, event_type), url)
        outcome, took = tried.send()
    if as_json:
        output.emit(
            {"url": tried.label, "event": tried.event, **outcome.model_dump(mode="json"), "ms": round(took),
             "secret": new, "body": json.loads(tried.wire)}
        )  # fmt: skip
    else:
        _show(tried, outcome, took, new)
    if outcome.status not in ("delivered", "accepted"):
        raise typer.Exit(FAILED)


class _Try:
    """One delivery that no store knows of."""

    def __init__(self, engine: "Engine", destination: Any, raw: bytes, url: str) -> None:
        from livery.writing import Reading

        self._engine, self._destination = engine, destination
        event, now = engine.read(raw), engine.now()
        self._envelope = engine.planner.specimen(event, now)
        chain = engine.planner.chain(event)
        message, _, self.wire = engine.writer.message(
            event, chain, CHANNEL, self._envelope, Reading(now), destination=destination
        )
        self.event, self.title = event.id, message.title
        self.label = type(engine.channels.open(CHANNEL)).label(destination) or url

    def send(self) -> "tuple[Outcome, float]":
        import asyncio

        import aiohttp  # now, so that loading it does not count as the far side's time

        from livery.channel import Dispatch
        from livery.steps import deliver

        del aiohttp

        async def go() -> "tuple[Outcome, float]":
            channels = self._engine.channels
            dispatch = Dispatch(self._envelope, self._destination, self.wire, 1)
            try:
                return await deliver.attempt(channels.open(CHANNEL), dispatch, deadline=35)
            finally:
                await channels.aclose()

        return asyncio.run(go())


def _engine(config: Path | None, event: Path | None) -> Any:
    """The configured engine; without a configuration, one whose only tenant is the event's seller."""
    if not output.is_trial(config):
        return output.opened(config)
    return output.opened(config, trial=output.read_event(event) if event is not None else _example(None, None))


def _event(engine: "Engine", file: Path | None, event_type: str | None) -> bytes:
    return output.read_event(file) if file is not None else _example(engine, event_type)


def _example(engine: "Engine | None", event_type: str | None) -> bytes:
    """A sample of the base pack, as an event of its own, of a seller there is."""
    from livery.config import Config
    from livery.engine import Engine
    from livery.ids import new_id

    opened = engine or Engine(Config.load(None))
    kinds = [_kind(opened.types, event_type)] if event_type else [*opened.types.values()]
    packs = opened.library.packs.values()
    samples = [(kind, one) for kind in kinds for pack in packs for one in pack.samples(kind.notification)]
    if not samples:
        raise NotFound(f"no installed pack has a sample of {event_type or 'any event type'}; give one with --event")
    _, (_, raw) = next((one for one in samples if ".en." in one[1][0]), samples[0])
    event: dict[str, Any] = json.loads(raw)
    event["id"], event["liverytest"] = new_id("test", opened.now()), True
    if engine is not None and (tenants := engine.config.tenants) and event["data"]["seller"]["id"] not in tenants:
        seller = [*tenants.values()][-1]
        event["data"]["seller"] = {"id": seller.id, "name": seller.name or seller.id}
    return json.dumps(event, ensure_ascii=False).encode()


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


def _show(tried: _Try, outcome: "Outcome", took: float, new: str) -> None:
    typer.echo(f"POST {tried.label}  ({len(tried.wire):,} bytes: {tried.title})")
    if new:
        typer.echo(f"signed with a new secret; to verify it at the receiver: {new}")
    answer = " ".join(part for part in (outcome.code, outcome.detail) if part) or "nothing"
    typer.echo(f"answer   {answer}  ({took:.0f} ms)")
    reason = f" ({outcome.reason})" if outcome.reason else ""
    typer.echo(f"outcome  {outcome.status}{reason}. {_THEN[outcome.status]}")
