"""How a notification is put together, on plain data: a script and an event in, the notification out.

A *script* is a definition after all overlays, with every text already looked up: for each piece the texts that
may say it, best first. Knows no models and no template language: what fills a text is in the script, so that
a stencil and the direct rendering are composed by one and the same code.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from livery import locales
from livery.locales import Choice

MAX_TEXT = 4000
MAX_LINE = 300
MAX_FACTS = 20
FIELDS = ("subject", "preheader", "title", "greeting", "closing", "footer")
LONG = ("greeting", "closing")
LINES = frozenset(["subject", "preheader", "title", "footer", "heading", "code", "label", "value", "alt"])
"""Fields of notifications, blocks, facts and actions that `line` made: no more than `MAX_LINE` characters, empty or
more than blanks."""
PARAGRAPHS = frozenset([*LONG, "text"])
"""Fields that `paragraph` made: the same, of `MAX_TEXT` characters."""
_SCHEMES = ("https", "http", "mailto")
SIDES = " sides"
"""Not a name that a text could use."""
NEEDED = {"text": "text", "error": "text", "list": "items", "facts": "facts", "actions": "actions", "image": "url"}
Plain = dict[str, Any]
Seen = Mapping[str, Any]


def reading_locale(
    wishes: Iterable[tuple[str, str | None]], available: Sequence[str], *, reader: str | None, asked: str | None
) -> Choice:
    """The language to write in: the asked one, the reader's, then the first of `wishes` that is available."""
    own = [("asked for", asked), ("the recipient's language", reader)]
    return locales.negotiate([*own, *wishes], available)


def seen(event: Plain, year: int, sides: Sequence[Sequence[str]] | None = None) -> Plain:
    """What the texts of packs see of an event: `event` (its data), `envelope` (the rest), `year`.

    Args:
        event: the event as plain data, without what its readers may not see.
        year: for copyright notices.
        sides: for each of its readers the sides they are on: a block is there if all of them are meant by its
            audience; None for every block.

    """
    envelope = dict(event)
    return {"event": envelope.pop("data"), "envelope": envelope, "year": str(year), SIDES: sides}


def prepared(
    script: Plain,
    text: Callable[[Plain], Callable[[Seen], str] | str],
    holds: Callable[[Any, str], Callable[[Seen], bool]],
) -> Plain:
    """A script with the functions that fill its texts and judge its conditions put in.

    Args:
        script: as `livery.stencils.orders` makes it; left as it is.
        text: makes of a text what fills it; one that is always the same is given as it is.
        holds: makes of a condition, and the id of the pack it is of, what judges it.

    """

    def walk(part: Any, pack: str = "") -> Any:
        if isinstance(part, list | tuple):
            return [walk(one, pack) for one in part]
        if not isinstance(part, dict):
            return part
        pack = part.get("pack", pack)
        made = {key: walk(value, pack) for key, value in part.items() if key != "when"}
        if "said" in part:
            made["said"] = [{**one, "fill": text(one), "row": _row(one)} for one in part["said"]]
            made["fixed"] = _fixed(made)
        if "versions" in part:
            for one in made["versions"]:
                one["row"] = {"piece": f"block {part['id']}", "pack": one["pack"], "file": one["file"]}
        if "when" in part:
            made["when"] = part["when"]
            made["holds"] = holds(part["when"], pack) if part["when"] not in ("", True) else None
        return made

    walked: Plain = walk(script)
    return walked


def _row(text: Plain) -> Plain | None:
    """Where a text comes from, for the trace; the last resort comes from nowhere."""
    return {name: text[name] for name in ("piece", "pack", "file", "locale")} if text.get("locale") else None


def _fixed(source: Plain) -> Mapping[Any, str] | None:
    """What a source says in each shape, if that never changes."""
    if not source["of"]:
        return {line: "", paragraph: ""}
    first = source["said"][0]["fill"] if source["said"] else None
    return {line: line(first), paragraph: paragraph(first)} if isinstance(first, str) else None


def line(text: str) -> str:
    """A text as a piece of one line has it."""
    return locales.shorten(" ".join(text.split()), MAX_LINE)


def paragraph(text: str) -> str:
    """A text as a piece of many lines has it."""
    return locales.shorten(text.strip(), MAX_TEXT)


def link(text: str) -> str:
    """A link that may become one: http, https or mailto; empty otherwise."""
    url = "".join(locales.clean(text).split())
    try:
        return url if urlsplit(url).scheme in _SCHEMES else ""
    except ValueError:
        return ""


def picture(url: str, pictures: Plain) -> str:
    """What stands for an image in e-mails; empty for what is no URL of one.

    Raises:
        PackError: it may not be shown, or the pack has no such image.

    """
    from livery import pictures as known

    is_one = url.strip().lower().startswith(("https:", "http:", "assets/", "cid:"))
    return known.source(url, pictures) if is_one else ""


def bare(data: Any, paths: Iterable[str] = ()) -> list[tuple[str, str]]:
    """(where it stands, value) of the values of an event, as they are: what is left to say where no pack can.

    Args:
        data: of the event.
        paths: only those that stand there, such as `error.message`; all without any.

    """
    found = [leaf for path in paths for leaf in _leaves(_at(data, path.split(".")), path)]
    leaves = found if paths else _leaves(data)
    return [(locales.one_line(name, 100), locales.one_line(value, MAX_LINE)) for name, value in leaves[:MAX_FACTS]]


def _at(data: Any, path: Sequence[str]) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _leaves(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in _leaves(one, f"{path}.{key}".lstrip("."))]
    return [] if value is None or isinstance(value, list) else [(path, str(value))]


class Composer:
    """Composes one notification.

    Never fails for what a pack does: a piece that cannot be made falls back to the next text that may say it, a
    block to what the parent packs have for it; then each text of it that fails to the bare values of the event that
    it names. `degraded` says so.

    Args:
        script: a prepared script.
        seen: see `context`.
        check: called with each block made; what it raises makes the block fall back.

    """

    def __init__(self, script: Plain, seen: Seen, *, check: Callable[[Plain], object] | None = None) -> None:
        self._script, self._seen, self._check = script, seen, check
        self._trace: list[Plain] = []
        self._degraded: list[str] = list(script["notes"])
        self._is_saving = self._is_all_told = False

    def notification(self) -> Plain:
        """The fields of a `Notification`; each block also has its `slot` and `version` in the script."""
        script = self._script
        fields = {name: self._piece(script["fields"][name], paragraph if name in LONG else line) for name in FIELDS}
        blocks = [made for at, block in enumerate(script["blocks"]) if (made := self._block(at, block)) is not None]
        title = fields["title"] or script["event_type"]
        return {
            "event_type": script["event_type"],
            "locale": script["locale"],
            "direction": script["direction"],
            **fields,
            "title": title,
            "subject": fields["subject"] or title,
            "blocks": blocks,
            "signature": [said for part in script["signature"] if (said := self._piece(part, line))],
            "brand": script["brand"],
            "pack": script["pack"],
            "trace": self._trace,
            "degraded": list(dict.fromkeys(self._degraded)),
        }

    def _block(self, at: int, block: Plain) -> Plain | None:
        """A block; a version of it that fails gives way to what the parent packs have under its id."""
        if not self._is_for_readers(block["versions"][0]["audience"]):
            return None  # the nearest pack's word: no older version may tell more people
        for number, version in enumerate(block["versions"]):
            known = len(self._trace)
            try:
                made = self._made(version)
            except Exception as error:  # noqa: BLE001 - a pack may raise anything; the message must go out
                if not isinstance(error, _Unsaid):
                    self._degraded.append(f"block {block['id']} of {version['pack']}: {_said(error)}")
                del self._trace[known:]
                continue
            if made is not None:
                self._trace.append(version["row"])
                made |= {"slot": at, "version": number}
            return made
        return self._saved(at, block["versions"][0])

    def _saved(self, at: int, version: Plain) -> Plain | None:
        """What can be saved of a block that fails; None if that is nothing."""
        self._is_saving = True
        try:
            made = self._made(version)
        except Exception:  # noqa: BLE001 - as above; that it fails is said
            return None
        finally:
            self._is_saving = False
        return None if made is None else made | {"slot": at, "version": 0}

    def _bare(self, source: Plain) -> list[tuple[str, str]]:
        """The bare values that a failed text names; those of the whole event, once, if nobody knows which."""
        paths = source.get("paths", ())
        found = bare(self._seen["event"], paths) if paths else []
        if not found and source.get("is_about_event", True) and not self._is_all_told:
            self._is_all_told = True
            found = bare(self._seen["event"])
        return found

    def _is_for_readers(self, audience: Sequence[str]) -> bool:
        readers = self._seen.get(SIDES)
        return not audience or readers is None or all(not set(audience).isdisjoint(one) for one in readers)

    def _made(self, version: Plain) -> Plain | None:
        if not self._is_shown(version):
            return None
        kind = version["kind"]
        made = {"id": version["id"], "kind": kind, "priority": version["priority"], **self._fields(version)}
        needed = NEEDED.get(kind)
        if needed is not None and not made[needed]:
            return None
        if self._check is not None:
            self._check(made)
        return made

    def _fields(self, block: Plain) -> Plain:
        match block["kind"]:
            case "text":
                return {"heading": self._line(block["heading"]), "text": self._text(block["text"])}
            case "error":
                return {
                    "heading": self._line(block["heading"]),
                    "text": self._text(block["text"]),
                    "code": self._line(block["code"]),
                }
            case "list":
                return {"heading": self._line(block["heading"]), "items": [self._text(item) for item in block["items"]]}
            case "facts":
                facts = [self._fact(one) for one in block["facts"] if self._is_shown(one)]
                return {"heading": self._line(block["heading"]), "facts": facts}
            case "actions":
                actions = [self._action(one) for one in block["actions"] if self._is_shown(one)]
                return {"actions": [one for one in actions if one["url"]]}
            case "image":
                return {"url": self._picture(block["url"]), "alt": self._line(block["alt"]), "width": block["width"]}
            case _:
                return {}

    def _is_shown(self, part: Plain) -> bool:
        """Whether its condition holds; what must be saved is not lost by one that cannot be judged."""
        if part["holds"] is None:
            return True
        try:
            return bool(part["holds"](self._seen))
        except Exception:
            if self._is_saving:
                return True
            raise

    def _fact(self, part: Plain) -> Plain:
        label = self._line(part["label"])
        try:
            value = self._shaped(part["value"], line, must=True)
        except Exception:
            if not self._is_saving:
                raise
            found = self._bare(part["value"])
            label = label or line(", ".join(name for name, _ in found))
            value = line(", ".join(one for _, one in found))
        return {"label": label, "value": value, "mono": part["mono"]}

    def _action(self, part: Plain) -> Plain:
        label, url = self._line(part["label"]), ""
        try:
            url = link(self._written(part["url"]))
        except Exception:
            if not self._is_saving:
                raise
        return {"label": label or (line(url) if self._is_saving else ""), "url": url, "primary": part["primary"]}

    def _picture(self, source: Plain) -> str:
        return picture(self._written(source), self._script["pictures"])

    def _piece(self, source: Plain, shape: Callable[[str], str]) -> str:
        """A text outside of blocks; left empty if nothing can say it."""
        try:
            return self._shaped(source, shape)
        except Exception as error:  # noqa: BLE001 - as above
            self._degraded.append(f"{source['piece']}: {_said(error)}")
            return ""

    def _line(self, source: Plain) -> str:
        try:
            return self._shaped(source, line)
        except Exception:
            if self._is_saving:
                return ""
            raise

    def _text(self, source: Plain) -> str:
        """What a block is there for; where it must be saved, the bare values."""
        try:
            return self._shaped(source, paragraph, must=True)
        except Exception:
            if not self._is_saving:
                raise
        way = self._script["direction"]
        return paragraph("\n".join(f"{name}: {locales.isolate(value, way)}" for name, value in self._bare(source)))

    def _shaped(self, source: Plain, shape: Callable[[str], str], *, must: bool = False) -> str:
        fixed = source["fixed"]
        if fixed is None:
            return shape(self._written(source, must=must))
        if source["said"] and (row := source["said"][0]["row"]) is not None:
            self._trace.append(row)
        said: str = fixed[shape]
        return said

    def _written(self, source: Plain, *, must: bool = False) -> str:
        """The best text that can be filled; one that fails gives way to the next best.

        Raises what a template of the definition fails with; if it `must` be said, also where no text says it.
        """
        if not source["of"]:
            return ""
        failed: Exception | None = None
        notes: list[str] = []
        for text in source["said"]:
            if "absent" in text:
                notes.append(f"{source['piece']}: no text for {text['absent']!r} in any language")
                continue
            try:
                fill = text["fill"]
                written: str = fill if isinstance(fill, str) else fill(self._seen)
            except Exception as error:  # noqa: BLE001 - as above
                failed = failed if text["locale"] else failed or error
                where = f" ({text['locale']})" if text["locale"] else ""
                notes.append(f"{text['piece']} of {text['label']}{where}: {_said(error)}")
                continue
            self._degraded += notes
            if text["row"] is not None:
                self._trace.append(text["row"])
            return written
        if failed is not None:
            raise failed
        self._degraded += notes
        if must and notes:
            raise _Unsaid
        return ""


class _Unsaid(LookupError):
    """No text can say what a block is there for; why is among what is degraded."""


def _said(error: Exception) -> str:
    return locales.one_line(f"{type(error).__name__}: {error}", 200)
