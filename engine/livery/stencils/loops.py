"""Loops of compiled templates, as closures that go through an event's lists. Their notation: `livery.stencils.fill`."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from livery.packs.operations import items, truth
from livery.stencils.filling import Filling, Node, Step
from livery.stencils.reckoning import Reckoner

OPEN = object()
"""What is known of the blanks since the last tag before an event is there: nothing."""
_LOOK_EVERY = 8


class Looping(Reckoner):
    """Adds loops to expressions. What asks for the first or the last turn is decided as the loop is built."""

    def loop(
        self, id_: int, over: Any, only: Any, nodes: tuple[Sequence[Node], Sequence[Node]], blank: Any
    ) -> tuple[Step, Any]:
        """What goes through a list, after these blanks; and the blanks after it.

        Args:
            id_: of the loop.
            over: the expression of the list.
            only: the condition of an item, or None.
            nodes: for each item; for an empty list.
            blank: see `Filling.blank`; `OPEN` if not known.

        """
        body, empty = nodes
        # Not tried first where a loop stands inside: each level would make all within it twice over.
        turns, after = (None, OPEN) if _has_loop(body) else self._turn(id_, body, blank)
        if turns is None or after is not blank:
            turns, after = self._turn(id_, body, OPEN)
        otherwise, other = self.run(empty, blank)
        step = self._turns(id_, over, only, (turns, otherwise, blank, _weight(body)))
        return step, blank if after is blank and other is blank else OPEN

    def _turn(self, id_: int, body: Sequence[Node], blank: Any) -> tuple[list[Step], Any]:
        """What writes a turn that is neither first nor last, the first, the last, both; and the blanks after it."""
        asks = [] if _has_loop(body) else [name for name in ("first", "last") if _names(body, ["L", id_, name])]
        made = {}
        for answers in product((False, True), repeat=len(asks)):
            self._known = {(id_, name): answer for name, answer in zip(asks, answers, strict=True)}
            made[answers] = self.run(body, blank)
        self._known = {}
        turns, afters = [], set()
        for is_last, is_first in product((False, True), repeat=2):
            is_at = {"first": is_first, "last": is_last}
            step, after = made[tuple(is_at[name] for name in asks)]
            turns.append(step)
            afters.add(after)
        return turns, afters.pop() if len(afters) == 1 else OPEN

    def _turns(self, id_: int, over: Any, only: Any, made: tuple[Sequence[Step], Step, Any, int]) -> Step:
        tongue, through = self._tongue, self.expression(over)
        keep = self.expression(only) if only is not None else None
        insides, otherwise, blank, weight = made

        def step(filling: Filling) -> None:
            if blank is not OPEN:
                filling.blank = blank
            found = items(tongue, through(filling))
            if keep is not None:
                found = [one for one in found if _kept(filling, one)]
            since, count = len(filling.out), len(found)
            for at, one in enumerate(found):
                filling.steps -= weight
                if filling.steps < 0:
                    filling.spend(0)
                filling.turn += 1
                filling.loops[id_] = (one, at, count)
                insides[(at == 0) + 2 * (at == count - 1)](filling)
                if at % _LOOK_EVERY == 0:
                    filling.look_after(since)
                    since = len(filling.out)
            filling.look_after(since)
            if not found:
                otherwise(filling)

        def _kept(filling: Filling, one: Any) -> bool:
            filling.spend()
            filling.turn += 1
            filling.loops[id_] = (one, 0, 0)
            assert keep is not None, "asked only where there is a condition"
            return truth(tongue, keep(filling))

        return step


def _weight(nodes: Sequence[Node]) -> int:
    """How many steps one time through these nodes is counted as."""
    return 1 + sum(_weight(part) for node in nodes if isinstance(node, list) for part in node if isinstance(part, list))


def _names(part: Any, piece: list[Any]) -> bool:
    """Whether an expression may stand somewhere in a part."""
    if isinstance(part, dict):
        return any(_names(one, piece) for one in part.values())
    return isinstance(part, list) and (part == piece or any(_names(one, piece) for one in part))


def _has_loop(part: Any) -> bool:
    if isinstance(part, dict):
        return any(map(_has_loop, part.values()))
    return isinstance(part, list) and (part[:1] == ["l"] or any(map(_has_loop, part)))
