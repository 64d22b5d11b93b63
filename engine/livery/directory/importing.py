"""Importing: rows of a file become records, or a list of everything that is wrong with them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from livery import locales
from livery.addresses import Invalid, address
from livery.config import problems_of
from livery.directory.facade import BATCH, Directory
from livery.directory.files import COLUMNS, Row, Source
from livery.directory.ports import Counted
from livery.errors import Problem, shown
from livery.models.directory import DirectoryUser, Organization, OrganizationContact, Record

_KINDS: Mapping[str, type[Organization] | type[OrganizationContact] | type[DirectoryUser]] = {
    "organization": Organization,
    "contact": OrganizationContact,
    "user": DirectoryUser,
}
_FIELDS = {kind: frozenset(model.model_fields) for kind, model in _KINDS.items()}
_TRUE, _FALSE = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PLAIN = re.compile(
    r"(?!.*\.(arpa|invalid|local|localhost|onion)$)[a-z0-9]+([._+-][a-z0-9]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}",
    re.IGNORECASE | re.ASCII,
)
"""Addresses of which nothing more need be asked, so that a hundred thousand of them take no minute."""
_PLAIN_LENGTH = 64
_KEPT = 10_000
"""How many problems are kept for the report; all are counted."""
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Report:
    """What became of a file.

    Attributes:
        source: the file.
        rows: how many records it has.
        bad: how many of them are wrong.
        problems: (row, problem), the first ten thousand.
        warnings: (row, problem) of records that are taken all the same.
        counted: how many were, or would be, added, changed and left as they are.
        done: whether it was imported.

    """

    source: Source
    rows: int = 0
    bad: int = 0
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    warnings: list[tuple[int, Problem]] = field(default_factory=list)
    counted: Counted = field(default_factory=Counted)
    done: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""

        def listed(found: list[tuple[int, Problem]]) -> list[dict[str, Any]]:
            return [{"row": row, "column": one.path, "expected": one.expected, "came": one.came} for row, one in found]

        return {
            "file": str(self.source.path), "format": self.source.form, "encoding": self.source.encoding,
            "rows": self.rows, "bad": self.bad, **self.counted._asdict(), "imported": self.done,
            "problems": listed(self.problems), "warnings": listed(self.warnings),
        }  # fmt: skip


@dataclass(slots=True)
class Reader:
    """Reads rows as records.

    Attributes:
        tenant: the tenant of rows that name none; if given, rows may name no other.
        is_tenant: whether there is such a tenant.

    """

    tenant: str
    is_tenant: Callable[[str], bool]
    _seen: dict[tuple[str, ...], int] = field(default_factory=dict)

    def read(self, row: Row) -> tuple[list[Record], list[Problem], list[Problem]]:
        """The records of a row, what is wrong with it, and what is to be warned of."""
        if row.problems:
            return [], list(row.problems), []
        values = {name: value for name, value in row.values.items() if value not in ("", None)}
        problems = [
            Problem(name, f"one of {', '.join((*COLUMNS, 'contacts'))}")
            for name in values
            if name not in COLUMNS and name != "contacts"
        ]
        found, wrong = self._records(values)
        problems += wrong
        warnings = []
        for record in found:
            first = self._seen.setdefault(record.key, row.number)
            if first != row.number:
                named = f"{record.key[0]} {'/'.join(part or '(own)' for part in record.key[1:])}"
                problems.append(Problem("(row)", f"each record once; row {first} has {named}, too"))
            warnings += _warnings(record)
        return found, problems, warnings

    def _records(self, values: dict[str, Any]) -> tuple[list[Record], list[Problem]]:
        kind, problems = _kind(values), list[Problem]()
        if kind is None:
            return [], [Problem("type", f"one of {', '.join(_KINDS)}", shown(values.get("type")))]
        values.setdefault("tenant", self.tenant)
        tenant = values["tenant"]
        if self.tenant and tenant != self.tenant:
            problems.append(Problem("tenant", f"{self.tenant}, as asked for, or nothing", shown(tenant)))
        elif not tenant:
            problems.append(Problem("tenant", "the id of a tenant; or name one for all rows with --tenant"))
        elif not isinstance(tenant, str) or not self.is_tenant(tenant):
            problems.append(Problem("tenant", "a tenant; livery tenant list shows them", shown(tenant)))
        contacts = values.pop("contacts", {}) if kind == "organization" else {}
        found = [] if problems else [_record(kind, values, "", problems)]
        if not isinstance(contacts, dict) or not all(isinstance(one, dict) for one in contacts.values()):
            problems.append(Problem("contacts", "an object of contacts by their kind", shown(contacts)))
        elif not problems:
            common: dict[str, Any] = {name: values[name] for name in ("tenant", "customer") if name in values}
            for name, one in contacts.items():
                found.append(_record("contact", {**one, **common, "kind": name}, f"contacts.{name}", problems))
        return [one for one in found if one is not None], problems


def run(  # noqa: PLR0913 - the choices of one import
    source: Source,
    directory: Directory,
    is_tenant: Callable[[str], bool],
    *,
    tenant: str = "",
    skip_bad: bool = False,
    dry: bool = False,
    progress: Progress = lambda _at, _of: None,
) -> Report:
    """Import a file: read it to its end first, and write only then.

    Is any row wrong, nothing is written, unless `skip_bad`: then all others are. Killed in between, it has written
    whole batches; run again it goes on, since what is there already is left as it is.

    Args:
        source: the file.
        directory: where to.
        is_tenant: whether there is such a tenant.
        tenant: the tenant of all rows.
        skip_bad: leave out what is wrong.
        dry: write nothing, and count what would be written.
        progress: told how many bytes of how many are done.

    Raises:
        InputError: the file cannot be read.

    """
    report, size = Report(source), source.size
    for row, _, problems, warnings in _read(source, Reader(tenant, is_tenant)):
        report.rows += 1
        report.bad += bool(problems)
        report.problems += [(row.number, one) for one in problems[: max(_KEPT - len(report.problems), 0)]]
        report.warnings += [(row.number, one) for one in warnings[: max(_KEPT - len(report.warnings), 0)]]
        if not report.rows % BATCH:
            progress(source.at, 2 * size)
    if report.bad and not skip_bad:
        return report

    def records() -> Iterator[Record]:
        for number, (_, found, problems, _) in enumerate(_read(source, Reader(tenant, is_tenant))):
            if not problems:
                yield from found
            if not number % BATCH:
                progress(size + source.at, 2 * size)

    report.counted = directory.put(records(), dry=dry)
    report.done = not dry
    progress(2 * size, 2 * size)
    return report


def _read(source: Source, reader: Reader) -> Iterator[tuple[Row, list[Record], list[Problem], list[Problem]]]:
    for row in source.rows():
        yield row, *reader.read(row)


def _kind(values: dict[str, Any]) -> str | None:
    """The type a row says, else the one that follows from what it has."""
    said = values.pop("type", None)
    if said is None:
        return "contact" if "kind" in values else "user" if "id" in values else "organization"
    kind = said.strip().lower() if isinstance(said, str) else ""
    if kind not in _KINDS:
        values["type"] = said
        return None
    return kind


def _record(kind: str, values: dict[str, Any], at: str, problems: list[Problem]) -> Record | None:
    model = _KINDS[kind]
    known = _FIELDS[kind]
    fields = {name: value for name, value in values.items() if name in known}
    count = len(problems)
    problems += [
        Problem(name, f"nothing: a record of type {kind} has none", shown(value))
        for name, value in values.items()
        if name not in known and name in COLUMNS
    ]
    for name, value in fields.items():
        fields[name] = _read_value(name, value, problems)
    made: Record | None = None
    try:
        made = model.model_validate(fields)
    except ValidationError as error:
        said = {one.path for one in problems[count:]}
        problems += [_said(one) for one in problems_of(error) if one.path not in said]
    problems[count:] = [_below(one, at) for one in problems[count:]]
    return made if len(problems) == count else None


def _read_value(name: str, value: Any, problems: list[Problem]) -> Any:
    if name == "active":
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            problems.append(Problem(name, "yes or no", shown(value)))
        return word in _TRUE
    if name == "roles":
        return tuple(dict.fromkeys(re.split(r"[\s,;|]+", value.strip()))) if isinstance(value, str) else value
    if isinstance(value, int) and not isinstance(value, bool) and name in ("tenant", "customer", "id"):
        value = str(value)
    if name == "locale" and isinstance(value, str):
        if not (tag := locales.normal(value)):
            problems.append(Problem(name, "a BCP 47 tag, such as de or de-AT", shown(value)))
        return tag
    if isinstance(value, str) and _CONTROL.search(value):
        problems.append(Problem(name, "one line without control characters", shown(value)))
    return value


def _said(problem: Problem) -> Problem:
    """Pydantic speaks of patterns; people of words."""
    if "pattern" not in problem.expected:
        return problem
    return replace(problem, expected="a lower-case word of a-z, 0-9, _ and -, such as account_manager")


def _below(problem: Problem, at: str) -> Problem:
    return replace(problem, path=f"{at}.{problem.path}") if at else problem


def _warnings(record: Record) -> list[Problem]:
    email = "" if isinstance(record, Organization) else record.email
    if not email or (len(email) <= _PLAIN_LENGTH and _PLAIN.fullmatch(email)):
        return []
    checked = address(email)
    if isinstance(checked, Invalid):
        return [Problem("email", f"an address; nobody is written to there ({checked.why})", shown(email))]
    return []
