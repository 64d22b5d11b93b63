"""`livery tenant` as people use it."""

import json

from cli.commands import GOOD, livery


def test_a_seller_is_added_sent_for_changed_and_removed(home, mail):
    event = json.loads(json.dumps(GOOD))
    event["data"]["seller"] = {"id": "hansa", "name": "as the event says"}
    (home / "hansa.json").write_text(json.dumps(event))
    assert livery("send", "hansa.json", cwd=home).returncode == 2
    done = livery("tenant", "add", "hansa", "--parent", "platform", "--name", "Hansa Cloud", "--locale", "de", cwd=home)
    assert (done.returncode, done.stdout) == (0, "Added: seller hansa below platform.\n")
    assert livery("send", "hansa.json", cwd=home).returncode == 0
    assert "Hansa Cloud" in mail.mails[0].part("plain")
    shown = json.loads(livery("tenant", "change", "hansa", "--name", "", "--json", cwd=home).stdout)
    assert (shown["name"], shown["locale"], shown["in"]) == (None, "de", ["store"])
    assert livery("tenant", "remove", "hansa", cwd=home).stdout == "Removed: seller hansa below platform.\n"
    assert livery("send", "hansa.json", cwd=home).returncode == 2
    log = livery("deliveries", "list", "--tenant", "hansa", "--json", cwd=home)
    assert [one["state"] for one in json.loads(log.stdout)] == ["accepted"]


def test_the_tree_is_shown_as_one(home):
    livery("tenant", "add", "north", "--parent", "platform", "--level", "distributor", cwd=home)
    livery("tenant", "add", "hansa", "--parent", "north", "--name", "[bold]Hansa", cwd=home)
    done = livery("tenant", "list", cwd=home)
    assert done.stdout.splitlines() == [
        "platform  platform · livery.toml",
        "├── north  distributor · store",
        "│   └── hansa  [bold]Hansa  seller · store",
        "└── res-org-n  Res. Org N.  seller · livery.toml",
    ]
    assert [
        one["id"] for one in json.loads(livery("tenant", "list", "--under", "north", "--json", cwd=home).stdout)
    ] == [
        "north",
        "hansa",
    ]
    assert "chain               platform → north → hansa\n" in livery("tenant", "show", "hansa", cwd=home).stdout


def test_what_is_wrong_or_refused_is_one_message_and_exit_2(home):
    for arguments, says in (
        (("add", "x", "--parent", "res-org-n", "--level", "boss"), "level: expected"),
        (("change", "res-org-n"), "expected one of --parent, --level, --name, --locale"),
        (("remove", "res-org-n"), "stands in livery.toml"),
        (("show", "nobody"), "no tenant is called 'nobody'"),
        (("list", "--under", "nobody"), "no tenant is called 'nobody'"),
    ):
        done = livery("tenant", *arguments, cwd=home)
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr
