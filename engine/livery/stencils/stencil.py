"""A stencil in use: notifications composed and e-mails filled from an event, without a template language."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from livery.composing import Composer, Plain, Seen, prepared
from livery.joined import Joined
from livery.packs.operations import Tongue
from livery.stencils import page_code, script_code
from livery.stencils.cards import Card, tongue
from livery.stencils.fill import Condition, Program, within
from livery.stencils.filling import PURSE, FillError, Filling, purses


class Stencil:
    """One notification of one brand in one language, compiled. Plain data inside; safe from any thread.

    Args:
        data: what `livery.stencils.compiling` made.

    """

    def __init__(self, data: Plain) -> None:
        script = data["script"]
        text = Tongue(data["regional"], script["direction"], given=data["formats"])
        lenient, markup = replace(text, lenient=True), replace(text, markup=True)
        self._script = prepared(script, lambda one: _text(one, text), lambda one, pack: _holds(one, lenient, pack))
        self._packs = [one["id"] for one in data["packs"]]
        self._compose = script_code.written(self._script, text, lenient, self._packs)
        self._html = Program(data["html"], markup) if data["html"] is not None else None
        self._page = page_code.written(data["html"], markup) if data["html"] is not None else None
        self._slots = len(script["blocks"])
        self._notes: list[Plain] = data["notes"]
        self.pictures: Plain = script["pictures"]
        self._cards = {
            format_: {kind: Card(one, format_, tongue(format_, text)) for kind, one in kinds.items()}
            for format_, kinds in data["cards"].items()
        }
        self._card_notes: dict[str, list[str]] = {
            format_: [one["note"] for one in notes] for format_, notes in data["card_notes"].items()
        }

    def notification(self, seen: Seen, check: Callable[[Plain], object] | None = None) -> Plain:
        """The fields of a `Notification`, with the slot of each block; see `livery.composing.Composer`.

        Args:
            seen: `event`, `envelope` and `year`; brand and language are in the stencil.
            check: see `Composer`. It takes longer with one: the whole is better looked at first, without.

        """
        if self._compose is not None and check is None:
            try:
                return self._compose(seen)
            except Exception:  # noqa: BLE001, S110 - whatever it is, the composer knows what to do
                pass
        return Composer(self._script, {**seen, PURSE: purses(self._packs)}, check=check).notification()

    def html(self, said: Plain) -> tuple[str, list[str]]:
        """The HTML of an e-mail, and what had to be passed over for it; empty if nothing can be filled.

        Args:
            said: what `notification` gave.

        """
        slots: list[Any] = [None] * self._slots
        for block in said["blocks"]:
            slots[block["slot"]] = block
        notes = [one["note"] for one in self._notes if _concerns(one, slots)]
        if self._html is None:
            return "", notes
        try:
            return self._pieces({"n": said, "s": slots}), notes
        except FillError as error:
            return "", [*notes, f"e-mail: {error}"]

    def _pieces(self, roots: Seen) -> Joined:
        assert self._html is not None, "asked only where there is a page"
        if self._page is not None:
            try:
                return within(Joined(self._page(Filling(roots))))
            except Exception:  # noqa: BLE001, S110 - whatever it is, the closures know what to do
                pass
        return self._html.joined(roots)

    def card(self, format_: str, block: Plain, length: int) -> Any:
        """A block as the pack shows it on one channel; None if it leaves that to the channel.

        Raises:
            FillError: the pack's override cannot be filled with this block.

        """
        card = self._cards.get(format_, {}).get(block["kind"])
        return card.fill(block, length) if card is not None else None

    def has_cards(self, format_: str) -> bool:
        """Whether the pack shows any kind of block its own way on one channel."""
        return bool(self._cards.get(format_))

    def card_notes(self, format_: str) -> list[str]:
        """What of the pack's overrides for one channel had to be passed over."""
        return self._card_notes.get(format_, [])


def _concerns(note: Plain, slots: list[Any]) -> bool:
    if note["slot"] is None:
        return True
    block = slots[note["slot"]]
    return block is not None and block["version"] == note["version"]


def _text(text: Mapping[str, Any], tongue: Tongue) -> Callable[[Seen], str] | str:
    if "absent" in text:
        return _raising("there is no such text")
    if "error" in text:
        return _raising(text["error"])
    program = Program(text["nodes"], tongue, text["pack"])
    return program.fill if program.constant is None else program.constant


def _holds(when: Any, tongue: Tongue, pack: str) -> Callable[[Seen], bool]:
    if isinstance(when, bool):
        return lambda _: when
    return _raising(when["error"]) if isinstance(when, dict) else Condition(when, tongue, pack).holds


def _raising(message: str) -> Callable[[Seen], Any]:
    def fail(_: Seen) -> Any:
        raise FillError(message)

    return fail
