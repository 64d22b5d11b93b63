"""Event values through the MJML compiler: each hole and each branch becomes an opaque word, and comes back in the HTML.

A word is letters and digits, so the compiler keeps it wherever text may stand. Where only elements may stand,
the words of branches and loops are wrapped in `mj-raw`, which is what MJML has for that. A place whose layout
depends on what stands there takes no word: a branch there is compiled both ways (`Fork`), a value is refused.
"""

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from livery.packs.operations import escaped
from livery.render.email import TITLE, check_closed, check_mjml
from livery.stencils import content
from livery.stencils.expressions import key
from livery.stencils.fill import attribute
from livery.stencils.values import Branch, Hole, Piece, Place, Repeat, StagingError
from livery.stencils.vocabulary import LINKS

_TOKEN = re.compile(r"<!--.*?-->|<(/?)([A-Za-z][\w-]*+)((?:[^<>\"'/]|\"[^\"]*+\"|'[^']*+'|/(?!>))*+)(/?)>", re.DOTALL)
_VALUE = re.compile(r"""=("[^"<>]*"|'[^'<>]*')""")
_IN_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]++)\s*+=\s*+("[^"]*"|'[^']*')""")
_STACKS = frozenset(["mj-body", "mj-wrapper", "mj-column", "mj-hero"])
"""Where elements follow one another without their number mattering: words go in as mj-raw."""
_TEXTS = frozenset(
    ["mj-text", "mj-button", "mj-table", "mj-raw", "mj-title", "mj-preview", "mj-accordion-text", "mj-navbar-link"]
)
"""Elements whose content is HTML or text, and kept as it is, even if it is empty."""
_FREE = frozenset(["href", "src", "alt", "title", "background-url", "name", "rel", "target", "srcset"])
"""Attributes of MJML elements that no layout depends on."""
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


class Fork(Exception):
    """A branch stands where the layout depends on it: compile once for each way."""

    def __init__(self, condition: Any, place: Place) -> None:
        self.condition, self.place = condition, place
        super().__init__("a condition over the event decides the layout")


class Words:
    """The words of one template: made of its pieces, found again in the HTML.

    Args:
        pieces: the staged template.
        is_part: whether it is not a whole document but what stands in a column.

    """

    def __init__(self, pieces: Sequence[Piece], *, is_part: bool = False) -> None:
        self._holes: list[Hole] = []
        self._controls: list[tuple[str, Branch | Repeat]] = []
        self._in_attribute: set[int] = set()
        self._links: set[int] = set()
        seed = sha256(repr([one for one in pieces if isinstance(one, str)]).encode()).hexdigest()[:10]
        self._prefix = f"Zq{seed}"
        self.word = re.compile(rf"{self._prefix}([vc])(\d+)z")
        parts: list[str] = []
        self._write(pieces, parts)
        self._around = ["mj-column"] if is_part else []
        text = "".join(parts)
        check_mjml(text, with_names=False)
        if len(self.word.findall(text)) != len(self._holes) + len(self._controls):
            raise StagingError("holds one of the compiler's own words")
        self.mjml = self._placed(text)
        if is_part:
            check_closed(self.mjml)

    def _write(self, pieces: Sequence[Piece], out: list[str]) -> None:
        for piece in pieces:
            match piece:
                case str():
                    out.append(piece)
                case Hole():
                    out.append(f"{self._prefix}v{len(self._holes):05d}z")
                    self._holes.append(piece)
                case Branch():
                    self._control("if", piece, out)
                    self._write(piece.then, out)
                    if piece.otherwise:
                        self._control("else", piece, out)
                        self._write(piece.otherwise, out)
                    self._control("end", piece, out)
                case Repeat():
                    self._control("for", piece, out)
                    self._write(piece.body, out)
                    if piece.empty:
                        self._control("else", piece, out)
                        self._write(piece.empty, out)
                    self._control("end", piece, out)

    def _control(self, kind: str, piece: Branch | Repeat, out: list[str]) -> None:
        out.append(f"{self._prefix}c{len(self._controls):05d}z")
        self._controls.append((kind, piece))

    # ------------------------------------------------------------------ into MJML

    def _placed(self, text: str) -> str:
        """The MJML with every word where the compiler keeps it."""
        for value in (*_VALUE.finditer(text), *TITLE.finditer(text)):
            for word in self.word.finditer(value[0]):
                if word[1] == "c":
                    raise self._stands_badly(word)
                self._in_attribute.add(int(word[2]))
        out: list[str] = []
        stack: list[str] = [*self._around]
        at = 0
        for tag in _TOKEN.finditer(text):
            out.append(self._between(text[at : tag.start()], stack))
            at = tag.end()
            out.append(tag[0])
            if tag[2] is None:  # a comment: the compiler drops it
                if inside := self.word.search(tag[0]):
                    raise self._stands_badly(inside)
                continue
            self._look_into(tag, is_text=self._is_text(stack))
            self._step(tag, stack)
        out.append(self._between(text[at:], stack))
        return "".join(out)

    @staticmethod
    def _step(tag: re.Match[str], stack: list[str]) -> None:
        name = tag[2].lower()
        if tag[1]:
            while stack and stack.pop() != name:
                pass
        elif not tag[4] and name not in _VOID:
            stack.append(name)

    @staticmethod
    def _is_text(stack: Sequence[str]) -> bool:
        return any(name in _TEXTS for name in stack)

    def _look_into(self, tag: re.Match[str], *, is_text: bool) -> None:
        """Refuse words in a tag, but for values in attributes that may have them."""
        inside = tag[3]
        if self._prefix not in tag[0]:
            return
        for name, value in _IN_ATTRIBUTE.findall(inside):
            for word in self.word.finditer(value):
                self._check_attribute(tag[2].lower(), name.lower(), word, is_text=is_text)
                self._check_content(name.lower(), value, word)
        rest = _IN_ATTRIBUTE.sub("", tag[0])
        if loose := self.word.search(rest):
            raise self._stands_badly(loose)

    def _check_attribute(self, element: str, name: str, word: re.Match[str], *, is_text: bool) -> None:
        is_mjml = element.startswith("mj") and not is_text
        if word[1] == "c" or (is_mjml and name not in _FREE):
            what = f"the attribute {name} of {element}"
            hole = self._piece(word)
            if isinstance(hole, Branch):
                raise Fork(hole.condition, hole.place)
            if isinstance(hole, Hole) and hole.ir[0] == "?":
                raise Fork(hole.ir[1], hole.place)
            raise StagingError(
                f"{what} decides the layout, so an event cannot", hole.place, "give it a fixed value, or a brand token"
            )
        self._in_attribute.add(int(word[2]))

    def _check_content(self, name: str, value: str, word: re.Match[str]) -> None:
        number = int(word[2])
        if problem := content.hole_problem(name, value[1:-1], word[0], self._holes[number].ir):
            raise StagingError(problem[0], self._holes[number].place, problem[1], "content")
        if name in LINKS and value[1:-1] == word[0]:
            self._links.add(number)

    def _between(self, text: str, stack: Sequence[str]) -> str:
        if self._prefix not in text or self._is_text(stack):
            return text
        inside = next((name for name in reversed(stack) if name.startswith("mj")), "")
        if inside in _STACKS:
            self._no_values(text)
            return f"<mj-raw>{text}</mj-raw>"
        word = self.word.search(text)
        assert word is not None, "the prefix stands nowhere else"
        raise self._stands_badly(word, inside)

    def _no_values(self, text: str) -> None:
        if word := next((one for one in self.word.finditer(text) if one[1] == "v"), None):
            raise StagingError("a value stands between elements", self._piece(word).place, "put it inside mj-text")

    def _stands_badly(self, word: re.Match[str], inside: str = "") -> Exception:
        piece = self._piece(word)
        if isinstance(piece, Branch):
            return Fork(piece.condition, piece.place)
        where = f"directly in {inside}" if inside else "inside a tag or a comment"
        if isinstance(piece, Repeat):
            return StagingError(
                f"a loop over the event stands {where}: the layout would depend on the event",
                piece.place,
                "loop inside mj-text or mj-table, or around elements of one mj-column",
            )
        if piece.ir[0] == "?" and not inside:
            return Fork(piece.ir[1], piece.place)
        return StagingError(
            f"a value stands {where}", piece.place, "put it inside mj-text, or in href, src, alt, title"
        )

    def _piece(self, word: re.Match[str]) -> Hole | Branch | Repeat:
        at = int(word[2])
        return self._holes[at] if word[1] == "v" else self._controls[at][1]

    def outermost(self, mjml: str) -> list[tuple[Branch | Repeat, tuple[int, int]]]:
        """Each branch and loop that stands in no other and may stay empty, and where in `mjml` what it holds stands."""
        found: list[tuple[Branch | Repeat, tuple[int, int]]] = []
        depth, start = 0, 0
        for word in self.word.finditer(mjml):
            if word[1] != "c":
                continue
            kind, piece = self._controls[int(word[2])]
            if isinstance(piece, Repeat) and piece.is_sure:
                continue
            if kind in ("if", "for"):
                depth += 1
                start = word.end() if depth == 1 else start
            elif kind == "end":
                depth -= 1
                if depth == 0:
                    found.append((piece, (start, word.start())))
        return found

    # ------------------------------------------------------------------ out of HTML

    def found(self, html: str) -> list[Any]:
        """The HTML as nodes of `livery.stencils.fill`.

        Raises:
            StagingError: the compiler dropped, doubled or moved a word.

        """
        parts = self.word.split(html)
        seen_values = {int(number) for kind, number in zip(parts[1::3], parts[2::3], strict=True) if kind == "v"}
        if gone := set(range(len(self._holes))) - seen_values:
            raise StagingError("the MJML compiler drops this value", self._holes[min(gone)].place)
        controls = [int(number) for kind, number in zip(parts[1::3], parts[2::3], strict=True) if kind == "c"]
        if controls != list(range(len(self._controls))):
            where = next((piece.place for _, piece in self._controls), Place())
            raise StagingError("the MJML compiler moves or drops a part that depends on the event", where)
        return self._Nest(self, parts).nodes()

    class _Nest:
        """Puts branches and loops around what stands between their words."""

        def __init__(self, words: "Words", parts: Sequence[str]) -> None:
            self._words, self._parts = words, parts
            self._state = "text"

        def nodes(self) -> list[Any]:
            words, parts = self._words, self._parts
            top: list[Any] = []
            stack: list[tuple[list[Any], list[Any]]] = []
            out = top
            self._add(out, parts[0])
            for at in range(1, len(parts), 3):
                kind, number, text = parts[at], int(parts[at + 1]), parts[at + 2]
                if kind == "v":
                    mode = "a" if number in words._in_attribute else "o"  # noqa: SLF001 - one thing in two classes
                    mode = "u" if number in words._links else mode  # noqa: SLF001
                    out.append(_chosen(mode, words._holes[number].ir))  # noqa: SLF001
                else:
                    out = self._turn(*words._controls[number], out, stack)  # noqa: SLF001
                self._add(out, text)
            return top

        @staticmethod
        def _turn(
            kind: str, piece: Branch | Repeat, out: list[Any], stack: list[tuple[list[Any], list[Any]]]
        ) -> list[Any]:
            if kind in ("if", "for"):
                node = (
                    ["i", piece.condition, [], []]
                    if isinstance(piece, Branch)
                    else ["l", piece.id, piece.over, piece.only, [], []]
                )
                out.append(node)
                stack.append((out, node))
                inside: list[Any] = node[-2]
                return inside
            if kind == "else":
                other: list[Any] = stack[-1][1][-1]
                return other
            return stack.pop()[0]

        def _add(self, out: list[Any], text: str) -> None:
            """HTML between two words, cut where text turns into tags and back."""
            state, first, last = self._state, -1, 0
            for at, char in enumerate(text):
                if state == "text" and char == "<":
                    state, first = "tag", at if first < 0 else first
                elif state == "tag" and char in "\"'>":
                    state = "text" if char == ">" else char
                    last = at + 1 if char == ">" else last
                elif state == char:
                    state = "tag"
            if self._state != "text":
                first = 0
            self._state = state
            if first < 0:
                out.extend([text] if text else [])
            elif state == "text":
                out.append(["h", text[:first], text[first:last], text[last:], False])
            else:
                out.append(["h", text[:first], text[first:], "", True])


def _chosen(mode: str, ir: Any) -> list[Any]:
    """The node of a hole; one that shows one of two known texts is a branch, which is quicker to take."""
    choice = ir[2] if ir[0] == "=" else ir
    texts = [side[1] for side in choice[2:] if side[0] == "c" and isinstance(side[1], str)] if choice[0] == "?" else []
    if mode == "a" and len(texts) == 2:  # noqa: PLR2004 - both sides
        yes, no = (attribute(escaped(one)) for one in texts)
        return ["i", choice[1], [yes] if yes else [], [no] if no else []]
    return [mode, ir]


def forked(compile_: Callable[[dict[str, bool]], list[Any]], limit: int = 16) -> list[Any]:
    """Compile, both ways for each condition that decides the layout.

    Args:
        compile_: compiles with what conditions are taken to be; raises `Fork` for one more.
        limit: how many variants there may be.

    Raises:
        StagingError: there would be more, or whatever `compile_` raises.

    """
    count = 0

    def one(decided: dict[str, bool]) -> list[Any]:
        nonlocal count
        try:
            return compile_(decided)
        except Fork as fork:
            count += 1
            if count >= limit:
                raise StagingError(
                    f"conditions over the event make more than {limit} layouts", fork.place,
                    "move the conditions inside mj-text, or around whole elements of mj-column or mj-body",
                ) from None  # fmt: skip
            name = key(fork.condition)
            if name in decided:
                raise StagingError("a condition over the event decides the layout", fork.place) from None
            yes = one({**decided, name: True})
            return [["i", fork.condition, yes, one({**decided, name: False})]]

    return one({})


__all__ = ["Fork", "Words", "attribute", "forked"]
