"""What `livery plugin new` writes: a channel's distribution in which one method is left to fill in."""

import re
from pathlib import Path
from string import Template

from livery._version import __version__
from livery.errors import LiveryError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_PYPROJECT = """[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "livery-channel-$dashed"
version = "0.1.0"
description = "A Livery channel: $title."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["livery>=$version,<1"]

[dependency-groups]
dev = ["pytest>=8"]

# The name is what `livery plugin list` and blocked_plugins call it; the value is the module with the hooks.
[project.entry-points.livery]
livery_channel_$name = "livery_channel_$name"

[tool.hatch.build.targets.wheel]
packages = ["livery_channel_$name"]
"""
_README = """# livery-channel-$dashed

A Livery channel: $title.

```toml
[[tenants.acme.channels.$name]]
url = "https://$dashed.example/hooks/4f1c9e07d2b8"
token = "…"
name = "orders"
```

## To do

1. Fill in `send` in `livery_channel_$name/channel.py`: one try, its answer as an outcome.
2. `pip install -e . --group dev`, then `pytest`: the contract of all channels, some thirty tests against a far side
   that answers well, badly or not at all. It is green when the channel may be used.
3. Change what else is different at your service: the settings in `channel.py`, the limits in `__init__.py`, the far
   side in `tests/test_contract.py`.

How channels work: Livery's `docs/plugins.md`.
"""
_INIT = '''"""$title, as a channel of Livery."""

from livery.plugin import Channel, ChannelType, Format, Limits, hookimpl


@hookimpl
def livery_register_channels() -> list[ChannelType]:
    def load() -> type[Channel]:
        from livery_channel_$name.channel import ${camel}Channel

        return ${camel}Channel

    return [
        ChannelType(
            name="$name",
            summary="$title",
            format=Format.TEXT,
            suffix=".txt",
            load=load,
            limits=Limits(total=4000),  # characters your service takes; 0 if nobody knows
        )
    ]
'''
_CHANNEL = '''"""The channel: what a tenant says of a destination, the bytes, and one try."""

from typing import Any
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome


class ${camel}Destination(Model):
    """`[[tenants.<id>.channels.$name]]`"""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: SecretStr = Field(description="Where to POST to. Whoever knows it can post, so it is a secret.")
    token: SecretStr = Field(description="What the service knows us by.")
    name: str = Field(default="", description="What people are shown of it, such as `orders`.")

    @field_validator("url", "token", mode="before")
    @classmethod
    def _are_hidden(cls, value: Any) -> Any:
        """From here on, so that no error shows them."""
        return SecretStr(value) if isinstance(value, str) else value


class ${camel}Channel(Channel):
    Destination = ${camel}Destination

    @classmethod
    def label(cls, destination: ${camel}Destination) -> str:
        return destination.name or f"{urlsplit(destination.url.get_secret_value()).hostname}/…"

    @classmethod
    def identity(cls, destination: ${camel}Destination) -> str:
        # Not the token: it may be replaced while deliveries wait.
        return destination.url.get_secret_value()

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        return message.text.encode()

    async def send(self, dispatch: Dispatch) -> Outcome:
        """Send `dispatch.wire` to `dispatch.destination` once, and say what became of it.

        For a service that is POSTed to, that is:

            where = dispatch.destination
            headers = {
                "Content-Type": "text/plain; charset=utf-8",
                "Authorization": f"Bearer {where.token.get_secret_value()}",
                "Idempotency-Key": dispatch.envelope.delivery_id,
            }
            return outcome_of(await self.outbound.post(where.url.get_secret_value(), dispatch.wire, headers))

        with `outcome_of` of livery.plugin. `self.outbound` keeps tenants' URLs from reaching what only you can reach.
        """
        raise NotImplementedError("fill in ${camel}Channel.send")
'''
_TEST = '''"""The contract every channel keeps. Run it with the package installed: `pytest`."""

from livery_channel_$name import livery_register_channels

from livery.testing import ChannelContract, HttpFarSide


class Test$camel(ChannelContract):
    kind = livery_register_channels()[0]

    def far_side(self) -> HttpFarSide:
        # The header a copy is recognised by. A service that speaks something else than HTTP needs a FarSide of its own.
        return HttpFarSide(identity="Idempotency-Key")

    def destination(self, far: HttpFarSide) -> dict[str, str]:
        return {"url": far.url("/hooks/4f1c9e07d2b8a6"), "token": "tok-9d41c0ffee55", "name": "orders"}
'''
_GITIGNORE = "__pycache__/\n*.egg-info/\n.venv/\ndist/\n.pytest_cache/\n"


def files(name: str, title: str) -> dict[str, str]:
    """The files of a new channel's distribution, by path.

    Raises:
        LiveryError: it cannot be called so.

    """
    if not _NAME.fullmatch(name):
        raise LiveryError(f"{name!r} is no name for a channel: expected a-z, 0-9 and _, a letter first, at most 30")
    if not title.isprintable() or not title.strip() or set(title) & set('"\\\\{}$'):
        raise LiveryError("a title is one line without quotes, braces, backslashes and dollars")
    camel = "".join(part.title() for part in name.split("_"))
    words = {"name": name, "dashed": name.replace("_", "-"), "camel": camel, "title": title, "version": __version__}
    package = f"livery_channel_{name}"
    texts = {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README,
        ".gitignore": _GITIGNORE,
        f"{package}/__init__.py": _INIT,
        f"{package}/channel.py": _CHANNEL,
        f"{package}/py.typed": "",
        "tests/test_contract.py": _TEST,
    }
    return {path: Template(text).substitute(words) for path, text in texts.items()}


def write(folder: Path, made: dict[str, str]) -> None:
    """Write the files into a folder that is not there yet, or is empty.

    Raises:
        LiveryError: something is there already, or it cannot be written; nothing was overwritten.

    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LiveryError(f"{folder} is there already and not empty; name another with --folder")
    try:
        for path, text in made.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LiveryError(f"{folder} cannot be written: {error.strerror}") from None
