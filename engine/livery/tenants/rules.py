"""What a tenant may look like and where it may hang; what stands in the way of a move or a removal."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

from pydantic import ValidationError

from livery import locales
from livery.config import problems_of
from livery.errors import InputError, Problem, Refused, shown
from livery.models.tenant import Level, Tenant, TenantRow
from livery.ports import TenantStore
from livery.tenants.tree import Tree, laid_over, some

MAX_DEPTH = 8
"""Levels from the platform down to a seller."""


class Unset(Enum):
    """Says that a field stays as it is, where None would take it away."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


def read(fields: Mapping[str, Any]) -> TenantRow:
    """A tenant from what was given.

    Raises:
        InputError: names every field that is wrong.

    """
    given, problems = dict(fields), []
    id_, locale = given["id"], given["locale"]
    if isinstance(id_, str) and (id_ != id_.strip() or not id_.isprintable()):
        problems.append(Problem("id", "no spaces at its ends and no control characters", shown(id_)))
    if isinstance(given["name"], str) and any(unicodedata.category(char) == "Cc" for char in given["name"]):
        problems.append(Problem("name", "one line without control characters", shown(given["name"])))
    if isinstance(locale, str):
        given["locale"] = locales.normal(locale)
        if not given["locale"]:
            problems.append(Problem("locale", "a BCP 47 tag, such as de or de-AT", shown(locale)))
    row = None
    try:
        row = TenantRow.model_validate(given)
    except ValidationError as error:
        problems += problems_of(error)
    if row is not None and (row.level is Level.DEFAULT) != (row.parent is None):
        expected = "distributor or seller, since it has a parent" if row.parent else "default, since it has no parent"
        problems.append(Problem("level", expected, shown(row.level.value)))
    if problems or row is None:
        raise InputError("the tenant is wrong:", problems)
    return row


def of_the_file(tree: Tree, id_: str, now: datetime) -> TenantRow | None:
    """A row that says what livery.toml says of a tenant's place, and nothing more; None if it is not in there."""
    one = tree.configured.get(id_)
    if one is None:
        return None
    return TenantRow(id=id_, parent=one.parent, level=one.level, name=None, locale=None, created_at=now, changed_at=now)


def check_place(tree: Tree, store: TenantStore, tx: Any, row: TenantRow) -> TenantRow | None:
    """That a tenant hangs on a distributor or the platform, and the platform on nothing.

    Returns what must be stored of the tenant above: in livery.toml nobody was below it, which made it a seller.

    Raises:
        InputError: the parent is no tenant.
        Refused: it cannot hang there.

    """
    if row.parent is None:
        root = next((one.id for one in tree.configured.values() if not one.parent), None) or store.root(tx)
        if root not in (None, row.id):
            raise Refused(f"there is one platform, {root}; name a tenant above with --parent")
        return None
    line = _line(tree, store, tx, row.parent)
    if not line:
        raise InputError("the tenant is wrong:", [Problem("parent", "a tenant", shown(row.parent))])
    if row.id in [one.id for one in line]:
        raise Refused(f"tenant {shown(row.id)} cannot be below itself")
    if len(line) >= MAX_DEPTH:
        raise Refused(f"tenant {shown(row.id)} would be on level {len(line) + 1}; there are at most {MAX_DEPTH}")
    above = line[0]
    if above.level is not Level.SELLER:
        return None
    is_free = above.id in tree.configured and store.get(tx, above.id) is None
    promoted = of_the_file(tree, above.id, row.changed_at) if is_free else None
    if promoted is None:
        raise Refused(
            f"{above.id} is a seller, and nobody is below a seller; make it a distributor first: "
            f"livery tenant change {above.id} --level distributor"
        )
    return promoted.model_copy(update={"level": Level.DISTRIBUTOR})


def check_move(tree: Tree, store: TenantStore, tx: Any, before: TenantRow, after: TenantRow) -> None:
    """That nothing hangs on a tenant that gets another parent or level.

    Raises:
        Refused: says what hangs on it.

    """
    configured = tree.configured.get(after.id)
    if configured is not None and after.parent != configured.parent:
        raise Refused(f"the parent of tenant {shown(after.id)} stands in livery.toml; change it there")
    below = {*store.below(after.id, tx), *tree.below(after.id)}
    if below and configured is None and after.parent != before.parent:
        raise Refused(
            f"tenant {shown(after.id)} cannot be moved: {some(below)} would go with it, and get other settings; "
            "move them first"
        )
    if below and after.level is Level.SELLER:
        raise Refused(f"tenant {shown(after.id)} cannot be a seller: {some(below)} are below it; move them first")


def hanging(tree: Tree, store: TenantStore, tx: Any, id_: str) -> list[Problem]:
    """What stands in the way of removing a tenant, and what to do about it."""
    problems = []
    if below := {*store.below(id_, tx), *tree.below(id_)}:
        problems.append(Problem("tenants", f"none below it; move or remove {some(below)}", str(len(below))))
    to_do = {
        "deliveries": f"none that is open; livery deliveries list --tenant {id_} shows them",
        "directory": f"no records; livery directory remove {id_} --all removes them",
        "settings": f"none of its own; livery settings reset {id_} takes them back",
        "domains": f"none of its own; livery domain remove {id_} <domain> takes one away",
        "events": "none waiting to be planned; a worker does it",
    }
    problems += [
        Problem(what, to_do.get(what, "none"), str(count)) for what, count in store.hanging(tx, id_).items() if count
    ]
    return problems


def _line(tree: Tree, store: TenantStore, tx: Any, id_: str) -> list[Tenant]:
    """A tenant and those above it, from the tenant up, as the transaction sees them; empty if there is none."""
    line: list[Tenant] = []
    at: str | None = id_
    while at is not None and len(line) <= MAX_DEPTH:
        row, configured = store.get(tx, at), tree.configured.get(at)
        if configured is None and (row is None or row.removed_at is not None):
            return []
        line.append(laid_over(configured, row))
        at = line[-1].parent
    return line
