"""Only the command that is asked for is made; whatever is said of it, and of what is no command, is as if all were."""

import os

import pytest
from typer.testing import CliRunner

from cli.commands import livery
from livery.cli import app

PLAIN = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}


@pytest.mark.parametrize(
    "words",
    ["--help", "send --help", "settings --help", "settings add --help", "pack check -h", "pack po-export", "migrate-store",
     "sendd", "pack chek", "pack", "settings add", "send --queu x.json", "--config x send"],
)  # fmt: skip
def test_a_command_alone_says_what_it_says_among_all(tmp_path, words):
    whole = CliRunner().invoke(app, words.split(), prog_name="livery", env=PLAIN)
    alone = livery(*words.split(), cwd=tmp_path, env={**os.environ, **PLAIN})
    assert (alone.returncode, alone.stdout + alone.stderr) == (whole.exit_code, whole.output)
