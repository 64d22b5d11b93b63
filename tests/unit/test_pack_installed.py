"""Packs of installed distributions: found as Python would find them, and nothing of them is ever imported."""

import sys
import textwrap
from importlib.metadata import EntryPoint, distributions

import pytest

from livery.packs.chain import Library
from livery.packs.installed import GROUP, installed_packs
from unit.making import manifest, write

HOSTILE = "raise SystemExit('imported')"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    return site


def install(site, name: str, entries: dict[str, str], files: dict[str, str]) -> None:
    points = "\n".join(f"{key} = {value}" for key, value in entries.items())
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    write(
        site,
        {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/entry_points.txt": f"[{GROUP}]\n{points}\n",
            **files,
        },
    )


def found(**options):
    problems = {}
    modules = set(sys.modules)
    packs = installed_packs(report=problems.__setitem__, **options)
    assert {name for name in set(sys.modules) - modules if "livery_pack" in name} == set()
    return [one for one in packs if not one[0].startswith("livery_")], problems  # without those of Livery itself


def pack_of(folder: str, id_: str = "fjord") -> dict[str, str]:
    return {f"{folder}/__init__.py": HOSTILE, f"{folder}/pack.toml": manifest(id_)}


@pytest.mark.parametrize(
    ("value", "files", "at"),
    [
        ("livery_pack_fjord", pack_of("livery_pack_fjord"), "livery_pack_fjord"),
        ("livery_pack_fjord", {"livery_pack_fjord/pack.toml": manifest("fjord")}, "livery_pack_fjord"),
        (
            "livery_packs:brands/fjord",
            {"livery_packs/__init__.py": HOSTILE, **pack_of("livery_packs/brands/fjord")},
            "livery_packs/brands/fjord",
        ),
        (
            "livery_packs.fjord",
            {"livery_packs/__init__.py": HOSTILE, **pack_of("livery_packs/fjord")},
            "livery_packs/fjord",
        ),
        ("livery_packs : fjord", pack_of("livery_packs/fjord"), "livery_packs/fjord"),
    ],
)
def test_a_wheel_is_found_and_not_imported(site, value, files, at):
    install(site, "livery-pack-fjord", {"fjord": value}, files)
    assert found() == ([("fjord", site / at)], {})
    assert "fjord" in Library([path for _, path in installed_packs()]).packs


@pytest.mark.parametrize(
    "value", ["livery_pack_fjord", "livery_pack_fjord:", "livery_packs.fjord", "livery_packs:fjord"]
)
def test_an_editable_install_is_found_where_its_source_is(site, tmp_path, monkeypatch, value):
    source = tmp_path / "fjord/src"
    write(
        source, {**pack_of("livery_pack_fjord"), **pack_of("livery_packs/fjord"), "livery_packs/__init__.py": HOSTILE}
    )
    install(site, "livery-pack-fjord", {"fjord": value}, {"_livery_pack_fjord.pth": str(source)})
    monkeypatch.setattr(sys, "path", [*sys.path, str(source)])  # what Python makes of the .pth when it starts
    ((name, path),), problems = found()
    assert (name, path.is_relative_to(source), (path / "pack.toml").is_file(), problems) == ("fjord", True, True, {})


def test_the_package_of_the_distribution_itself_is_not_hidden_by_another_on_the_path(site, tmp_path, monkeypatch):
    install(site, "livery-pack-fjord", {"fjord": "livery_pack_fjord"}, pack_of("livery_pack_fjord"))
    write(tmp_path / "other", pack_of("livery_pack_fjord", "evil"))
    monkeypatch.syspath_prepend(str(tmp_path / "other"))
    assert found() == ([("fjord", site / "livery_pack_fjord")], {})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("livery_pack_gone", "there is no package livery_pack_gone; install livery-pack-fjord 1.0 again"),
        ("livery_pack_gone.inner", "there is no package livery_pack_gone.inner"),
        ("livery_pack_module", "there is no package livery_pack_module"),
        ("livery_pack_empty", "livery_pack_empty has no pack.toml"),
        ("livery_pack_empty:deep/er", "deep/er has no pack.toml"),
        ("livery_pack_empty:../livery_pack_good", "is neither a package nor package:folder"),
        ("livery_pack_empty:/etc", "is neither a package nor package:folder"),
        ("../livery_pack_good", "is neither a package nor package:folder"),
        ("livery pack", "is neither a package nor package:folder"),
        ("", "is neither a package nor package:folder"),
    ],
)
def test_a_pack_that_cannot_be_found_is_told_of_and_the_others_are_returned(site, value, says):
    files = {**pack_of("livery_pack_good", "good"), "livery_pack_empty/__init__.py": HOSTILE}
    files["livery_pack_module.py"] = HOSTILE
    install(site, "livery-pack-fjord", {"good": "livery_pack_good"}, files)
    (own,) = [one for one in distributions(path=[str(site)]) if one.name == "livery-pack-fjord"]
    points = [*own.entry_points, EntryPoint("bad", value, GROUP)._for(own)]
    packs, problems = found(found=points)
    assert packs == [("good", site / "livery_pack_good")]
    assert says in problems["bad"]


def test_by_default_the_log_says_what_cannot_be_found(site, caplog):
    install(site, "livery-pack-fjord", {"fjord": "livery_pack_gone"}, {})
    assert "fjord" not in dict(installed_packs())
    assert "the pack fjord was skipped: there is no package livery_pack_gone" in caplog.text


def test_a_finder_that_raises_takes_no_other_pack_down(site, monkeypatch):
    install(site, "a", {"a": "livery_pack_a"}, pack_of("livery_pack_a", "a"))
    install(site, "b", {"b": "livery_pack_b"}, {})

    def hook(path):
        if "broken" in path:
            raise RuntimeError("a finder of somebody's")
        raise ImportError

    monkeypatch.setattr(sys, "path_hooks", [hook, *sys.path_hooks])
    monkeypatch.setattr(sys, "path", ["broken", *sys.path])
    packs, problems = found()
    assert packs == [("a", site / "livery_pack_a")]
    assert "a finder of somebody's" in problems["b"]


def test_packs_come_in_the_order_of_their_names(site):
    for name in "cab":
        install(site, f"p-{name}", {name: f"livery_pack_{name}"}, pack_of(f"livery_pack_{name}", name))
    assert [name for name, _ in found()[0]] == ["a", "b", "c"]


def test_the_packages_here_would_raise_if_they_were_imported(site):
    write(site, {"livery_pack_fjord/__init__.py": textwrap.dedent(HOSTILE)})
    with pytest.raises(SystemExit, match="imported"):
        __import__("livery_pack_fjord")
