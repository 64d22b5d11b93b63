"""Images of a pack: what is wrong with each, where they are referred to, and where they go when they are served."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from livery.errors import LiveryError, PackError
from livery.packs import assets as known
from livery.packs.assets import Policy, hosts_of, reference
from livery.packs.chain import PackChain
from livery.packs.findings import Finding
from livery.packs.gathering import MANIFEST
from livery.packs.tokens import describe
from livery.pictures import album, brand_with
from livery.studio.bench import Bench

_BASE = "https://images.invalid"


def findings(bench: Bench, tenants: Sequence[tuple[str, Mapping[str, str]]]) -> list[Finding]:
    """What is wrong with the pack's images, and with the tokens that name one.

    Args:
        bench: the pack, opened.
        tenants: whose tokens lie over the pack's, platform first.

    """
    packs, own = bench.packs, bench.packs.asked
    found = [
        one for path in own.snapshot.under("assets") for one in known.findings(path, own.snapshot.files[path], own.id)
    ]
    policy = Policy.of(bench.engine.config.images.model_dump())
    hosts = hosts_of(value for _, brand in tenants for value in brand.values())
    pictures, _ = album(packs, policy, hosts)
    for row in describe(packs.token_layers(), tenants):
        if row.type == "image" and row.origin == own.id:
            _, wrong = brand_with({row.name: row.value}, [row.name], pictures)
            place = packs.token_place(own.id, row.name)
            found += [
                Finding(
                    severity="error", rule="image", message=said.removeprefix("brand token "), pack=own.id,
                    file=MANIFEST, line=place.line, column=place.column,
                )
                for said in wrong
            ]  # fmt: skip
    return found


def copied(packs: PackChain, out: Path) -> list[Path]:
    """Copy the images of every pack of the chain to where `[images] mode = "link"` looks for them.

    What is there already is left as it is: a file is named after its content.

    Raises:
        LiveryError: an image is none that may be sent, or `out` cannot be written to.

    """
    made = {}
    for pack in packs.packs:
        for path in pack.snapshot.under("assets"):
            content = pack.snapshot.files[path]
            try:
                ref = reference(path, content, pack.id, Policy("link", _BASE))
            except PackError as error:
                raise LiveryError(f"{error}; see livery pack check {pack.id}") from None
            made[out / ref.url.removeprefix(f"{_BASE}/")] = content
    try:
        for file, content in made.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.is_file():
                file.write_bytes(content)
    except OSError as error:
        raise LiveryError(f"cannot write to {out}: {error.strerror}") from None
    return list(made)
