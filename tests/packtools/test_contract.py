"""The contract kit itself: it passes what is right, fails what is wrong, and needs three lines."""

import subprocess
import sys

import pytest

from livery.packtools.checking import planned
from livery.testing.packs import PackContract
from packtools.making import FILES, NOTIFICATION, checked, target, tiny

THREE = """from livery.testing.packs import PackContract
class TestTiny(PackContract):
    pack = {pack!r}
"""
STRINGS, TEXT = "strings/en.toml", "blocks/text.mjml.j2"


def failing(pack, **fields):
    """The tests that fail for a pack."""
    kit = type("Kit", (PackContract,), {"pack": pack, **fields})
    messages = planned(target(pack))
    failed = []
    for name in sorted(name for name in dir(kit) if name.startswith("test_")):
        for given in [(one,) for one in messages] if name == "test_it_is_written_as_the_pack_has_it" else [()]:
            try:
                getattr(kit(), name)(*given)
            except AssertionError:
                failed.append(name)
    return failed


def test_a_right_pack_passes(tmp_path):
    assert failing(tiny(tmp_path), strict=True) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "test"),
    [
        (
            STRINGS,
            "Sorry.",
            "{{ event.order.idd }}",
            "test_the_templates_use_the_language_of_packs_and_values_that_exist",
        ),
        (NOTIFICATION, "tiny.closing", "tiny.closng", "test_every_text_that_is_used_is_there"),
        ("pack.toml", "#134e6f", "blau", "test_the_tokens_hold_what_they_say_and_can_be_read_on_their_background"),
        (TEXT, "<mj-text>", '<mj-text><a href="ftp://x">y</a>', "test_images_have_words_and_links_lead_somewhere"),
        (STRINGS, "Sorry.", "{{ event.offer.quantity }}", "test_it_is_written_as_the_pack_has_it"),
        (STRINGS, "[tiny]", "tiny = 1", "test_the_files_are_as_the_format_has_them"),
    ],
)
def test_each_mistake_fails_its_test(tmp_path, file, old, new, test):
    assert test in failing(tiny(tmp_path, {file: FILES[file].replace(old, new)}))


def test_a_notification_without_a_sample_fails(tmp_path):
    folder = tiny(tmp_path, {"samples/offer_provision_error/en.json": None})
    assert failing(folder) == ["test_every_notification_has_a_sample"]


def test_the_messages_that_are_planned_are_those_that_are_made(tmp_path):
    made = checked(tiny(tmp_path, {"strings/de.toml": FILES[STRINGS]})).proofs
    assert planned(target(tmp_path / "tiny")) == [
        (one.notification, one.locale, one.sample) for one in made if one.sample
    ]


def test_messages_that_cannot_be_made_fail(tmp_path):
    bomb = "{% for a in " + repr(list(range(300))) + " %}{% for b in " + repr(list(range(300))) + " %}{{ b }}"
    folder = tiny(tmp_path, {TEXT: f"<mj-text>{bomb}{{% endfor %}}{{% endfor %}}</mj-text>"})
    failed = failing(folder)
    assert failed.count("test_it_is_written_as_the_pack_has_it") == len(planned(target(folder)))


def test_warnings_fail_if_strict_and_can_be_excused(tmp_path):
    folder = tiny(tmp_path, {"pack.toml": FILES["pack.toml"].replace("#111111", "#999999")})
    assert failing(folder) == []
    assert failing(folder, strict=True) == ["test_the_tokens_hold_what_they_say_and_can_be_read_on_their_background"]
    assert failing(folder, strict=True, excused={"contrast": "the client wants it so"}) == []


def test_what_is_an_error_cannot_be_excused(tmp_path):
    folder = tiny(tmp_path, {STRINGS: FILES[STRINGS].replace("Sorry.", "{{ event.order.idd }}")})
    assert failing(folder, excused={"unknown-variable": "no"}) != []


def test_three_lines_are_a_test_for_every_message(tmp_path):
    folder = tiny(tmp_path)
    (tmp_path / "test_tiny.py").write_text(THREE.format(pack=str(folder)))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tiny.py", "--collect-only"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for sample in ("en", "long", "bare", "rtl", "hostile"):
        assert f"test_it_is_written_as_the_pack_has_it[offer_provision_error-en-{sample}]" in done.stdout
