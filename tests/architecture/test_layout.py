"""The house rules that tools do not know: roots, sizes, a cheap import, one public door."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOTS = ("engine", "plugins", "template_packs")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

pytestmark = pytest.mark.skipif(not (ROOT / "engine").is_dir(), reason="the source roots are away: the wheel is tested")


def packages() -> list[str]:
    return sorted(init.parent.name for root in ROOTS for init in (ROOT / root).glob("*/__init__.py"))


def sources() -> list[Path]:
    return sorted(file for root in ROOTS for file in (ROOT / root).rglob("*.py"))


def test_import_linter_knows_every_package_on_disk():
    assert sorted(PROJECT["tool"]["importlinter"]["root_packages"]) == packages()


def test_the_wheel_holds_every_package_on_disk():
    listed = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(Path(one).name for one in listed) == packages()


def test_mypy_and_coverage_look_at_every_package_on_disk():
    assert sorted(PROJECT["tool"]["mypy"]["packages"]) == packages()
    assert sorted(PROJECT["tool"]["coverage"]["run"]["source_pkgs"]) == packages()


def test_every_plugin_and_pack_has_its_entry_point():
    points = PROJECT["project"]["entry-points"]
    assert {one for one in packages() if one != "livery"} == {
        *points["livery"].values(),
        *points["livery.packs"].values(),
    } - {"livery.catalogue"}


def test_a_pack_holds_no_code():
    for package in sorted((ROOT / "template_packs").iterdir()):
        if package.is_dir():
            assert [file.name for file in package.rglob("*.py")] == ["__init__.py"], package
            tree = ast.parse((package / "__init__.py").read_text("utf-8"))
            assert all(isinstance(node, ast.Expr) for node in tree.body), "a docstring, and nothing else"


def test_the_top_level_is_what_the_design_says():
    allowed = {*ROOTS, "tests", "docs", "examples", "benchmarks"}
    allowed |= {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Makefile"}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    top = {line.split("/")[0].strip('"') for line in tracked if line}
    assert {one for one in top if not one.startswith(".")} <= allowed


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_is_over_400_lines_and_no_function_over_60(file):
    text = file.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "migrations" not in str(file):
            assert node.end_lineno - node.lineno < 60, f"{node.name} has {node.end_lineno - node.lineno + 1} lines"


def test_importing_livery_imports_nothing_heavy():
    heavy = ("apprise", "sqlalchemy", "fastapi", "aiohttp", "mjml", "pydantic", "jinja2", "typer", "asyncio")
    code = f"import livery, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rendering_imports_no_database_and_no_network_library(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # so that it is the engine which renders
    event = ROOT / "examples/events/offer_provision_error.en.json"
    code = (
        f"import sys; sys.argv = ['livery', 'render', {str(event)!r}, '--out', {str(tmp_path)!r}]\n"
        "from livery.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('apprise', 'sqlalchemy', 'fastapi', 'aiohttp', 'aiosmtpd', 'pydantic_settings')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_public_name_can_be_had():
    import livery

    assert all(getattr(livery, name) is not None for name in livery.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = livery.nothing
