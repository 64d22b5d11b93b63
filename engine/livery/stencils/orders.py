"""Orders: everything a stencil is made of, as plain data: the script of a notification, templates, brand, language.

An order crosses to the worker as JSON, and its digest is the stencil's name in the cache: two orders that are
equal make the same stencil.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from livery import cldr, locales
from livery._version import __version__
from livery.composing import FIELDS, Plain
from livery.errors import NotFound, PackError
from livery.locales import Choice
from livery.packs.chain import PackChain

FORMAT = 5
TEMPLATES = ("layouts/", "blocks/", "parts/")
_MAX_PATHS = 20
_VALUE = re.compile(r"\bevent((?:\.[A-Za-z_]\w{0,99}){1,8})(\(?)")
_LINES = {
    "text": ("heading", "text"),
    "error": ("heading", "text", "code"),
    "list": ("heading",),
    "facts": ("heading",),
}


def order(
    packs: PackChain,
    notification: str,
    event_type: str,
    *,
    choice: Choice,
    brand: Mapping[str, str],
    pictures: Plain | None = None,
) -> Plain:
    """The order for one notification in one language and one brand.

    A definition that is not usable gives way to the parent pack's; `notes` says so.

    Args:
        packs: the chain of packs, nearest first.
        notification: the name of the notification's file.
        event_type: whose notification it is.
        choice: the language.
        brand: every token, resolved.
        pictures: see `livery.pictures.album`; without it no images.

    Raises:
        NotFound: no pack of the chain has a usable definition.

    """
    notes: list[str] = []
    usable: PackChain | None = packs if packs.packs else None
    while usable is not None:
        try:
            script = _script(usable, notification, choice.fallbacks)
        except (NotFound, PackError) as error:
            notes.append(str(error))
            usable = usable.without_top()
            continue
        script |= {
            "event_type": event_type,
            "locale": choice.tag,
            "direction": locales.direction(choice.tag),
            "brand": dict(brand),
            "pack": packs.asked.label,
            "notes": notes,
            "pictures": pictures or {"policy": {}, "hosts": [], "refs": {}},
        }
        return {
            "format": FORMAT,
            "engine": __version__,
            "script": script,
            "regional": choice.regional,
            "formats": cldr.formats(choice.regional),
            "packs": [{"id": pack.id, "label": pack.label} for pack in packs.packs],
            "files": dict(_templates(packs)),
        }
    raise NotFound("; ".join(notes) or "no pack is usable")


def digest(order_: Plain) -> str:
    """The name of the stencil an order makes: SHA-256 of its canonical JSON, in hex."""
    return sha256(json.dumps(order_, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _templates(packs: PackChain) -> Iterable[tuple[str, str]]:
    for pack in packs.packs:
        for path in sorted(pack.snapshot.files):
            text = pack.read(path) if path.startswith(TEMPLATES) else None
            if text is not None:
                yield f"{pack.id}!{path}", text


def _script(packs: PackChain, name: str, fallbacks: Sequence[str]) -> Plain:
    versions = list(_versions(packs, name))
    nearest, origins, _ = versions[0]
    teller = _Teller(packs, name, fallbacks)
    fields = {field: teller.told([(one[field], of.get("", "")) for one, of, _ in versions], field) for field in FIELDS}
    blocks = []
    for block in nearest["blocks"]:
        found = [(block, origins[block["id"]])]
        for older, of, _ in versions[1:]:
            other = next((one for one in older["blocks"] if one["id"] == block["id"]), None)
            if other is not None and other != found[-1][0]:
                found.append((other, of[other["id"]]))
        blocks.append({"id": block["id"], "versions": [teller.block(one, pack) for one, pack in found]})
    signature = [teller.told([(part, "")], "signature") for part in nearest["signature"]]
    return {"fields": fields, "signature": signature, "blocks": blocks, "notification": name}


def _versions(packs: PackChain, name: str) -> Iterable[tuple[Plain, Mapping[str, str], str]]:
    """The definition as the nearest pack has it, then as each parent would."""
    usable: PackChain | None = packs
    while usable is not None:
        if usable is not packs and not any(usable.files(f"notifications/{name}.toml")):
            return
        try:
            definition, origins = usable.definition(name)
        except (NotFound, PackError):
            if usable is packs:
                raise
            return
        yield definition.model_dump(mode="json"), origins, usable.top.id
        usable = usable.without_top()


class _Teller:
    """Looks up what may say each piece."""

    def __init__(self, packs: PackChain, name: str, fallbacks: Sequence[str]) -> None:
        self._packs, self._fallbacks = packs, fallbacks
        self._file = f"notifications/{name}.toml"
        self._labels = {pack.id: pack.label for pack in packs.packs}

    def told(self, sources: Iterable[tuple[str, str]], piece: str) -> Plain:
        """A piece of text: every source for it in turn; each is a string key, or a template itself."""
        given = [one for one in dict.fromkeys(sources) if one[0]]
        if not given or not next(iter(sources), ("", ""))[0]:
            return {"of": "", "piece": piece, "said": []}
        said = [text for source, pack in given for text in self._texts(source, piece, pack)]
        return {"of": given[0][0], "piece": piece, "said": said}

    def content(self, source: str, piece: str, pack: str) -> Plain:
        """What a block is there for: a piece of text, with the paths of the values it names, should it fail.

        Where nobody knows what it would say, it may be of any value.
        """
        made = self.told([(source, pack)], piece)
        texts = [text["source"] for text in made["said"] if "source" in text]
        if not texts and made["of"]:  # in no language in line: what others say names the same values
            texts = [text for text, _, _ in self._packs.strings(source, self._packs.locales())]
        found = [one for text in texts for one in _VALUE.findall(text)]
        named = dict.fromkeys((path.rpartition(".")[0] if call else path)[1:] for path, call in found)
        is_known = bool(texts) and not any("event" in text for text in texts)
        return {**made, "paths": [path for path in named if path][:_MAX_PATHS], "is_about_event": not is_known}

    def _texts(self, source: str, piece: str, pack: str) -> Iterable[Plain]:
        if "{{" in source or "{%" in source:
            label = self._labels.get(pack, pack)
            yield {"source": source, "piece": piece, "pack": pack, "label": label, "file": self._file, "locale": ""}
            return
        found = list(self._packs.strings(source, self._fallbacks))
        if not found:
            yield {"absent": source, "piece": piece, "pack": pack, "label": "", "file": self._file, "locale": ""}
        for text, of, tag in found:
            file = f"strings/{tag}.toml"
            yield {"source": text, "piece": source, "pack": of.id, "label": of.label, "file": file, "locale": tag}

    def block(self, block: Plain, pack: str) -> Plain:
        """A version of a block."""
        id_ = block["id"]

        def one(source: str) -> Plain:
            return self.told([(source, pack)], id_)

        made: Plain = {
            "id": id_,
            "kind": block["kind"],
            "priority": block["priority"],
            "when": block["when"],
            "audience": block["audience"],
            "pack": pack,
            "file": self._file,
        }
        made |= {field: one(block[field]) for field in _LINES.get(block["kind"], ())}
        if "text" in made:
            made["text"] = self.content(block["text"], id_, pack)
        match block["kind"]:
            case "list":
                made["items"] = [self.content(item, id_, pack) for item in block["items"]]
            case "facts":
                made["facts"] = [
                    {
                        "label": one(fact["label"]),
                        "value": self.content(fact["value"], id_, pack),
                        "when": fact["when"],
                        "mono": fact["mono"],
                    }
                    for fact in block["facts"]
                ]
            case "actions":
                made["actions"] = [
                    {
                        "label": one(action["label"]),
                        "url": self._link(action["url"], id_, pack),
                        "when": action["when"],
                        "primary": action["primary"],
                    }
                    for action in block["actions"]
                ]
            case "image":
                made |= {"url": self._link(block["url"], id_, pack), "alt": one(block["alt"]), "width": block["width"]}
        return made

    def _link(self, source: str, piece: str, pack: str) -> Plain:
        """A link is never a string key: a template, or the link itself."""
        if not source:
            return {"of": "", "piece": piece, "said": []}
        label = self._labels.get(pack, pack)
        text = {"source": source, "piece": piece, "pack": pack, "label": label, "file": self._file, "locale": ""}
        return {"of": source, "piece": piece, "said": [text]}
