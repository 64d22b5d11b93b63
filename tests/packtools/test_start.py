"""A new pack: whole, right, and nobody's files overwritten."""

from dataclasses import replace

import pytest

from livery import Config, Engine
from livery.errors import LiveryError
from livery.packtools.starting import Wishes, start
from packtools.making import checked, lines, tiny, write
from packtools.test_build import PIXEL


@pytest.fixture(scope="module")
def engine():
    with Engine.open(Config()) as opened:
        yield opened


@pytest.fixture
def wishes(tmp_path):
    return Wishes(tmp_path / "fjord", "fjord", "Fjord Cloud")


def test_a_new_pack_is_right_as_it_is(engine, wishes):
    made = start(replace(wishes, primary="#134e6f", locales=("en", "de"), support_email="a@b.example"), engine, None)
    assert all(file.is_file() for file in made.files)
    report = checked(wishes.folder, made.config)
    assert [one.rule for one in report.findings] == ["license"]
    assert report.is_fine(strict=True)


def test_it_renders_and_sends_with_the_configuration_beside_it(engine, wishes, tmp_path):
    made = start(wishes, engine, None)
    config = Config.load(made.config)
    with Engine.open(config.model_copy(update={"database_url": f"sqlite:///{tmp_path}/db"})) as opened:
        message = opened.preview(made.sample.read_bytes()).message
        assert message.degraded == ()
        assert "Fjord Cloud" in message.html
        assert opened.explain(made.sample.read_bytes()).deliveries


def test_every_wish_is_in_it(engine, wishes, tmp_path):
    logo = write(tmp_path, {"picture": PIXEL}) / "picture"
    made = start(replace(wishes, primary="NAVY", logo=logo, locales=("pt-br", "ar")), engine, None)
    manifest = (wishes.folder / "pack.toml").read_text()
    for said in ('primary = "#000080"', 'logo_url = "assets/logo.png"', 'locales = ["pt-BR", "ar"]'):
        assert said in manifest
    assert (wishes.folder / "assets/logo.png").read_bytes() == PIXEL
    assert "# closing" in (wishes.folder / "strings/pt-BR.toml").read_text()
    assert "closing =" in (wishes.folder / "strings/ar.toml").read_text()
    assert lines(checked(wishes.folder, made.config))[-1].startswith("pack.toml: note license")


def test_a_configuration_that_is_there_is_left_as_it_is(engine, wishes, tmp_path):
    config = write(tmp_path, {"livery.toml": "# mine\n"}) / "livery.toml"
    made = start(wishes, engine, config)
    assert config.read_text() == "# mine\n"
    assert not made.is_new
    assert 'pack_paths = ["fjord"]' in made.to_add


def test_it_may_stand_over_a_pack_without_our_names(engine, wishes, tmp_path):
    tiny(tmp_path)
    with Engine.open(Config(pack_paths=(tmp_path / "tiny",))) as opened:
        start(replace(wishes, parent="tiny", primary="#123456"), opened, None)
        with pytest.raises(LiveryError, match="has no token support_email"):
            start(replace(wishes, folder=tmp_path / "b", parent="tiny", support_email="a@b.example"), opened, None)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"primary": "bleu"}, "primary: "),
        ({"support_email": "nobody"}, "is no address"),
        ({"locales": ("deutsch!",)}, "is no language"),
        ({"parent": "bse"}, "no pack is called 'bse'"),
        ({"id": "base"}, "'base' is taken by the pack in"),
        ({"locales": ("english",)}, "is no language"),
        ({"id": "Fjord Cloud"}, "can be no id"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(engine, wishes, tmp_path, wish, said):
    with pytest.raises(LiveryError, match=said):
        start(replace(wishes, **wish), engine, None)
    assert list(tmp_path.iterdir()) == []


def test_all_that_cannot_be_is_told_at_once_by_the_option_it_was_asked_for_with(engine, wishes, tmp_path):
    wrong = replace(
        wishes, id="Fjord Cloud", parent="bse", primary="bleu", locales=("english", "de"), support_email="nobody",
        logo=tmp_path / "none.png",
    )  # fmt: skip
    with pytest.raises(LiveryError) as caught:
        start(wrong, engine, None)
    told = [line.split(":")[0].strip() for line in str(caught.value).split("\n")]
    assert told == [
        "6 things are wrong", "--id", "--parent", "--locale", "--logo", "--primary", "--support-email",
        "Nothing was written.",
    ]  # fmt: skip
    assert "did you mean base?" in str(caught.value)


@pytest.mark.parametrize("content", [b"<svg xmlns='x'></svg>", b"", PIXEL[:20]])
def test_a_logo_that_is_none_is_refused(engine, wishes, tmp_path, content):
    logo = write(tmp_path, {"logo.png": content}) / "logo.png"
    with pytest.raises(LiveryError, match=r"logo\.png: "):
        start(replace(wishes, logo=logo), engine, None)
    assert not wishes.folder.exists()


def test_a_folder_that_is_not_empty_is_left_alone(engine, wishes):
    write(wishes.folder, {"notes.txt": "mine"})
    with pytest.raises(LiveryError, match="not empty"):
        start(wishes, engine, None)
    assert [one.name for one in wishes.folder.iterdir()] == ["notes.txt"]
