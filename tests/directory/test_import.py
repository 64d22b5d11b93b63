"""Importing and exporting: files as people and spreadsheets write them, and every error with its row."""

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.commands import livery
from databases import database
from directory.people import contact, opened, organization, user
from livery.directory import files
from livery.directory.facade import type_of
from livery.directory.files import Source
from livery.directory.importing import run
from livery.errors import InputError

HEADER = ",".join(files.COLUMNS)
ROWS = [
    "organization,shop,cust-1,,,Müller & Söhne,,de-AT,,",
    "contact,shop,cust-1,billing,,Erika,billing@custo.example,,,",
    "user,shop,cust-1,,u-1,Jörg,joerg@custo.example,de,buyer admin,yes",
    "user,shop,,,u-2,Nele,nele@shop.example,,account_manager,no",
]
RECORDS = [
    organization("shop", "cust-1", name="Müller & Söhne", locale="de-AT"),
    contact("shop", "cust-1", "billing", "billing@custo.example", name="Erika"),
    user("shop", "cust-1", "u-1", "buyer", "admin", name="Jörg", email="joerg@custo.example", locale="de"),
    user("shop", "", "u-2", "account_manager", name="Nele", email="nele@shop.example", active=False),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request, tmp_path_factory):
    """One for each database there is."""
    with ExitStack() as stack:
        where = {}
        if request.param == "postgresql":
            where["database_url"] = stack.enter_context(database(request.getfixturevalue("postgres")))
        yield stack.enter_context(opened(tmp_path_factory.mktemp("store"), **where))


@pytest.fixture(autouse=True)
def empty(engine):
    for tenant in ("shop", "rival"):
        if list(engine.directory.export(tenant)):
            engine.directory.remove(tenant, everything=True)


def imported(engine, file, **options):
    source = Source(file, options.pop("form", ""), options.pop("encoding", "")).prepare()
    return run(source, engine.directory, lambda id_: engine.tenants.chain(id_) is not None, **options)


def written(folder, content, name="people.csv") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def held(engine, tenant="shop"):
    return list(engine.directory.export(tenant))


WAYS = {
    "plain": "\n".join([HEADER, *ROWS]),
    "no last newline, empty lines": "\n".join([HEADER, "", *ROWS, ",,,,,,,,,", ""]),
    "windows": "\r\n".join([HEADER, *ROWS]).encode("cp1252"),
    "with a mark": "\n".join([HEADER, *ROWS]).encode("utf-8-sig"),
    "utf-16": "\n".join([HEADER, *ROWS]).encode("utf-16"),
    "semicolons": "\n".join([HEADER, *ROWS]).replace(",", ";"),
    "tabs": "\n".join([HEADER, *ROWS]).replace(",", "\t"),
    "excel says so": "sep=;\r\n" + "\r\n".join([HEADER, *ROWS]).replace(",", ";"),
    "header in capitals with spaces": "\n".join([HEADER.upper().replace(",", " , "), *ROWS]),
    "type left out": "\n".join(row.partition(",")[2] for row in [HEADER, *ROWS]),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_csv_file_is_read_however_it_was_written(engine, tmp_path, way):
    report = imported(engine, written(tmp_path, WAYS[way]))
    assert (report.problems, report.done, tuple(report.counted)) == ([], True, (4, 0, 0))
    assert held(engine) == RECORDS


PLAIN = [{"type": type_of(one), **one.model_dump()} for one in RECORDS]
JSONS = {
    "a list": json.dumps(PLAIN),
    "indented": json.dumps(PLAIN, indent=2),
    "one a line": "\n".join(json.dumps(one) for one in PLAIN),
    "contacts of an organisation": json.dumps(
        [
            {"customer": "cust-1", "tenant": "shop", "name": "Müller & Söhne", "locale": "de-AT", "contacts": {"billing": {"name": "Erika", "email": "billing@custo.example"}}},
            *PLAIN[2:],
        ]
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", JSONS)
def test_a_json_file_is_read_however_it_was_written(engine, tmp_path, way):
    report = imported(engine, written(tmp_path, JSONS[way], "people.json"))
    assert (report.problems, report.done) == ([], True)
    assert held(engine) == RECORDS
    again = imported(engine, written(tmp_path, JSONS[way], "people.json"))
    assert tuple(again.counted) == (0, 0, 4)


def test_importing_again_changes_nothing_and_a_change_is_one_change(engine, tmp_path):
    file = written(tmp_path, WAYS["plain"])
    imported(engine, file)
    before = engine._opened().directory.revision()
    assert tuple(imported(engine, file).counted) == (0, 0, 4)
    assert engine._opened().directory.revision() == before
    changed = imported(engine, written(tmp_path, WAYS["plain"].replace("buyer admin", "buyer")))
    assert tuple(changed.counted) == (0, 1, 3)
    assert [one.roles for one in held(engine) if one.key[-1] == "u-1"] == [("buyer",)]


def test_a_dry_run_counts_and_writes_nothing(engine, tmp_path):
    report = imported(engine, written(tmp_path, WAYS["plain"]), dry=True)
    assert (tuple(report.counted), report.done, held(engine)) == ((4, 0, 0), False, [])


BAD_ROWS = [
    HEADER,
    "contact,shop,,Primary Contact,,X,x@x.example,,,",
    "user,nobody,,,u-3,X,x@x.example,,,",
    "user,shop,,,u-4,X,x@x.example,klingon!,Some Role,maybe",
    "user,shop,,,u-5,Good,good@x.example,,,",
    "user,shop,,,u-5,Twice,twice@x.example,,,",
    "robot,shop,,,u-6,X,x@x.example,,,",
    "contact,shop,,primary,,X,,,,",
    "organization,shop,cust-1,,,X,x@x.example,,,",
    "user,shop,,,u-7,X,x@x.example,,,,,more,columns",
    '"user",shop,,,u-8,"a\x01b",x@x.example,,,',
]
BAD = "\n".join(BAD_ROWS)


def test_every_error_is_told_by_row_and_column_and_nothing_is_imported(engine, tmp_path):
    report = imported(engine, written(tmp_path, BAD))
    assert [(row, one.path) for row, one in report.problems] == [
        (2, "kind"),
        (3, "tenant"),
        (4, "locale"),
        (4, "active"),
        (4, "roles.0"),
        (4, "roles.1"),
        (6, "(row)"),
        (7, "type"),
        (8, "email"),
        (9, "email"),
        (10, "(row)"),
        (11, "name"),
    ]
    assert (report.rows, report.bad, report.done, held(engine)) == (10, 9, False, [])
    assert "row 5 has user shop/u-5, too" in str(dict(report.problems)[6])


def test_what_is_wrong_can_be_left_out(engine, tmp_path):
    report = imported(engine, written(tmp_path, BAD), skip_bad=True)
    assert (report.bad, report.done, tuple(report.counted)) == (9, True, (1, 0, 0))
    assert [one.name for one in held(engine)] == ["Good"]


@pytest.mark.parametrize("email", ["a@x.example; b@x.example", "no address", "a@localhost", "Bcc:a@x.example"])
def test_an_address_nobody_is_written_to_at_is_a_warning_at_its_row(engine, tmp_path, email):
    report = imported(engine, written(tmp_path, f'{HEADER}\nuser,shop,,,u-1,X,"{email}",,,'))
    ((row, warning),) = report.warnings
    assert (row, warning.path, report.done) == (2, "email", True)


def test_a_file_is_for_one_tenant_if_one_is_named(engine, tmp_path):
    columns = HEADER.replace("tenant,", "")
    rows = [row.replace(",shop,", ",", 1) for row in ROWS]
    imported(engine, written(tmp_path, "\n".join([columns, *rows])), tenant="shop")
    assert held(engine) == RECORDS
    report = imported(engine, written(tmp_path, WAYS["plain"]), tenant="rival")
    assert {(one.path, one.expected) for _, one in report.problems} == {("tenant", "rival, as asked for, or nothing")}
    assert held(engine, "rival") == []


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        ("type,tenant,e-mail\n", "x.csv", r"'e-mail': expected one of .*; is it email\?"),
        ("", "x.csv", "the names of the columns"),
        ("tenant,tenant\n", "x.csv", "no second column of this name"),
        (f'{HEADER}\nuser,shop,"x', "x.csv", "cannot be read"),
        ("[{}, {", "x.json", "record 2 is no JSON"),
        ('[{"id": "u-1", "tenant": "shop"},\n', "x.json", "without its ]: part of the file is missing"),
        ("hello", "x.json", "record 1 is no JSON"),
        (b"type\xff\x81\n", "x.csv", "it is not in cp1252: .*near byte 7; name another with --encoding"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(engine, tmp_path, content, name, says):
    with pytest.raises(InputError, match=says):
        imported(engine, written(tmp_path, content, name))


def test_what_a_spreadsheet_would_take_for_a_formula_is_no_formula_and_comes_back_as_it_was(engine, tmp_path):
    one = user("shop", "", "u-1", name="=HYPERLINK(1)")
    engine.directory.put([one])
    out = io.StringIO()
    files.write([("user", one)], "csv", out)
    assert "'=HYPERLINK" in out.getvalue()
    imported(engine, written(tmp_path, out.getvalue()))
    assert held(engine) == [one]


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12).map(str.strip)
IDS = st.text("abc-=+@';,\"é ", min_size=1, max_size=5).map(str.strip).filter(bool)


@settings(max_examples=60)
@given(
    users=st.dictionaries(IDS, st.tuples(TEXTS, st.sampled_from(["", "c1"]), st.sets(st.sampled_from(["a", "b_c"])), st.booleans()), max_size=5),
    form=st.sampled_from(files.FORMATS),
)  # fmt: skip
def test_what_is_exported_is_imported_as_it_was(engine, tmp_path_factory, users, form):
    records = [
        user("shop", customer, id_, *sorted(roles), name=name, active=active)
        for id_, (name, customer, roles, active) in users.items()
    ]
    file = tmp_path_factory.mktemp("out") / f"x.{form}"
    with file.open("w", encoding="utf-8", newline="") as stream:
        files.write([("user", one) for one in records], form, stream)
    for one in list(engine.directory.export("shop"))[:1]:
        del one
        engine.directory.remove("shop", everything=True)
    report = imported(engine, file)
    assert report.problems == []
    assert sorted(held(engine), key=lambda one: one.id) == sorted(records, key=lambda one: one.id)


# ------------------------------------------------------------------ as a command

CONFIG = (
    'database_url = "sqlite:///livery.db"\n[channels.smtp]\n[tenants.platform]\n[tenants.shop]\nparent = "platform"\n'
)


def test_the_command_tells_what_it_did_and_exits_accordingly(tmp_path):
    (tmp_path / "livery.toml").write_text(CONFIG)
    good, bad = written(tmp_path, WAYS["windows"]), written(tmp_path, BAD, "bad.csv")
    done = livery("directory", "import", good, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Imported: 4 added, 0 changed, 0 unchanged.\n")
    assert "cp1252" in done.stderr
    assert (
        "Imported: 0 added, 0 changed, 4 unchanged."
        in livery("directory", "import", "-", cwd=tmp_path, input=WAYS["plain"]).stdout
    )
    wrong = livery("directory", "import", bad, cwd=tmp_path)
    assert wrong.returncode == 2
    assert "row 3, tenant: expected a tenant" in wrong.stderr
    assert "Nothing was imported: 9 of 10 rows are wrong." in wrong.stderr
    told = json.loads(livery("directory", "import", bad, "--skip-bad", "--json", cwd=tmp_path).stdout)
    assert (told["added"], told["bad"], told["problems"][0]["row"]) == (1, 9, 2)
    out = livery("directory", "export", "shop", cwd=tmp_path).stdout
    assert len(list(csv.DictReader(io.StringIO(out)))) == 5
    assert "cust-1" in livery("directory", "list", "shop", cwd=tmp_path).stdout
    shown = json.loads(livery("directory", "show", "shop", "--user", "u-2", "--json", cwd=tmp_path).stdout)
    assert (shown[0]["roles"], shown[0]["active"]) == (["account_manager"], False)
    assert (
        livery("directory", "remove", "shop", "--customer", "cust-1", cwd=tmp_path).stdout
        == "Removed: 3 records of shop.\n"
    )
    gone = livery("directory", "show", "shop", "--customer", "cust-1", cwd=tmp_path)
    assert (gone.returncode, gone.stderr) == (2, "tenant 'shop' has no customer 'cust-1' in the directory\n")
    assert livery("directory", "remove", "shop", cwd=tmp_path).returncode == 2


def test_an_import_that_was_killed_is_run_again(tmp_path):
    (tmp_path / "livery.toml").write_text(CONFIG)
    many = [f"user,shop,,,u-{number},X,u{number}@x.example,,sales,yes" for number in range(2500)]
    file = written(tmp_path, "\n".join([HEADER, *many]))
    program = (
        "import os\nfrom livery.storage.directory import DirectoryTable as T\nput, calls = T.put, []\n"
        "def once(*a):\n    put(*a)\n    calls.append(1)\n    len(calls) == 2 and os.kill(os.getpid(), 9)\n"
        "T.put = once\nfrom livery.cli import app\n"
        f"app(['directory', 'import', {str(file)!r}])"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=False, env=os.environ
    )
    assert killed.returncode == -9, killed.stderr
    done = livery("directory", "import", file, cwd=tmp_path)
    assert done.stdout == "Imported: 1,500 added, 0 changed, 1,000 unchanged.\n"
