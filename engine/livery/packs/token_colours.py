"""Colours that follow from others, and the contrast of every text colour with what it is read on."""

from math import floor
from typing import NamedTuple

from livery.packs import colour
from livery.packs.token_layers import Remark, Sheet


class Ground(NamedTuple):
    """A background as it is shown: the token it is from, and the nearest layer that had a say in it."""

    token: str
    colour: str
    depth: int


def settle(sheet: Sheet) -> None:
    """Fill in the colours that are empty but follow from others, mend what no longer fits, and check the contrast."""
    for name in sheet.order:
        if sheet.specs[name].type == "colour":
            _settle(sheet, name)
    for name, spec in sheet.specs.items():
        if spec.type == "colour" and sheet.values[name]:
            _check(sheet, name)


def _settle(sheet: Sheet, name: str) -> None:
    spec, light = sheet.specs[name], sheet.light_of.get(name, "")
    grounds = _grounds(sheet, name)
    if not spec.backgrounds and light:
        _follow(sheet, name, light)
    elif not grounds:
        return
    elif not sheet.values[name]:
        _fill(sheet, name, grounds)
    elif _worst(sheet.values[name], grounds) < _needed(sheet, name) and _is_older(sheet, name, grounds):
        _mend(sheet, name, grounds)


def _follow(sheet: Sheet, name: str, light: str) -> None:
    """A dark fill: empty, it is as in light; and if it stands for the light one, a nearer light one takes it along."""
    if sheet.specs[name].same_as != light:
        if not sheet.values[name] and sheet.values[light]:
            sheet.put(name, sheet.values[light], sheet.depths[light], f"derived from {light}")
    elif sheet.depths[light] > sheet.depths[name]:
        sheet.put(name, "", sheet.depths[light], f"as {light}")


def _fill(sheet: Sheet, name: str, grounds: list[Ground]) -> None:
    """An empty text colour: that of the token it stands for or of the light scheme if it can be read, else derived."""
    same_as = sheet.specs[name].same_as
    start = _shown(sheet, same_as or sheet.light_of.get(name, ""), is_dark=name in sheet.light_of)
    if same_as and start.colour and _is_the_pair(sheet, name, same_as, grounds):
        return
    value = colour.fitting(start.colour, _colours(grounds))
    depth = max(sheet.depths[name], start.depth, *(ground.depth for ground in grounds))
    names = [start.token] if value == start.colour else [ground.token for ground in grounds]
    sheet.put(name, value, depth, f"derived from {', '.join(dict.fromkeys(names))}")


def _mend(sheet: Sheet, name: str, grounds: list[Ground]) -> None:
    """A text colour that a nearer layer took the background from: what it stands for, else what can be read."""
    old, same_as = sheet.values[name], sheet.specs[name].same_as
    start = _shown(sheet, same_as, is_dark=name in sheet.light_of)
    nearest = max(grounds, key=lambda ground: ground.depth)
    if start.colour and _worst(start.colour, grounds) >= colour.AA:
        is_pair = _is_the_pair(sheet, name, same_as, grounds)
        sheet.put(name, "" if is_pair else start.colour, nearest.depth, f"as {same_as}")
        return
    value = colour.fitting(old, _colours(grounds))
    if _worst(value, grounds) >= colour.AA:
        failing = min(grounds, key=lambda ground: colour.contrast(old, ground.colour))
        message = f"{_told(sheet, name, failing)}; {value} is used"
        remark = Remark(message, f"set {name}, too, or leave it so", "warning", "contrast", nearest.token)
        sheet.say(nearest.depth, name, remark)
    sheet.put(name, value, nearest.depth, f"derived from {nearest.token}")


def _check(sheet: Sheet, name: str) -> None:
    grounds, needed = _grounds(sheet, name), _needed(sheet, name)
    value = sheet.values[name]
    better = colour.nearest(value, _colours(grounds), needed)
    for ground in grounds:
        if colour.contrast(value, ground.colour) >= needed:
            continue
        if _worst(better, grounds) >= needed:
            fix = f"use {better}"
        else:
            fix = f"no colour can be read on all of {', '.join(one.token for one in grounds)}; change one of these"
        depth = max(sheet.depths[name], ground.depth)
        sheet.say(depth, name, Remark(_told(sheet, name, ground), fix, "warning", "contrast", ground.token))


def _told(sheet: Sheet, name: str, ground: Ground) -> str:
    ratio = floor(colour.contrast(sheet.values[name], ground.colour) * 100) / 100  # 4.499 must not read as 4.50
    needs = f"large text needs {colour.AA_LARGE:g}:1" if sheet.specs[name].large else f"text needs {colour.AA:g}:1"
    return f" {sheet.values[name]} has {ratio:.2f}:1 on {ground.token} {ground.colour}, and {needs}"


def _shown(sheet: Sheet, name: str, *, is_dark: bool) -> Ground:
    """The colour a token shows: its own, or that of the token it stands for, which in the dark is that one's pair."""
    seen: set[str] = set()
    depth = 0
    while name and name not in seen:
        seen.add(name)
        depth = max(depth, sheet.depths[name])
        if sheet.values[name]:
            return Ground(name, sheet.values[name], depth)
        heir = sheet.specs[name].same_as
        pair = sheet.specs[heir].dark if heir and is_dark else ""
        name = pair if pair and pair not in seen else heir
    return Ground("", "", depth)


def _grounds(sheet: Sheet, name: str) -> list[Ground]:
    found = (_shown(sheet, one, is_dark=name in sheet.light_of) for one in sheet.specs[name].backgrounds)
    return [ground for ground in found if ground.colour]


def _is_the_pair(sheet: Sheet, name: str, same_as: str, grounds: list[Ground]) -> bool:
    """Whether a token and its background both stand for another pair, so that templates show that one."""
    own = any(sheet.values[one] for one in sheet.specs[name].backgrounds)
    return not own and set(_colours(grounds)) == set(_colours(_grounds(sheet, same_as)))


def _is_older(sheet: Sheet, name: str, grounds: list[Ground]) -> bool:
    return any(ground.depth > sheet.depths[name] for ground in grounds)


def _needed(sheet: Sheet, name: str) -> float:
    return colour.AA_LARGE if sheet.specs[name].large else colour.AA


def _colours(grounds: list[Ground]) -> tuple[str, ...]:
    return tuple(ground.colour for ground in grounds)


def _worst(value: str, grounds: list[Ground]) -> float:
    return colour.worst(value, _colours(grounds))
