"""A template pack: everything in it is data; this module only says where it lies."""

from pathlib import Path

from livery.plugin import hookimpl


@hookimpl
def livery_register_packs() -> list[Path]:
    return [Path(__file__).parent]
