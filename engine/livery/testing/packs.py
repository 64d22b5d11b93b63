"""The contract every pack keeps, as a suite a pack's own tests inherit.

```python
from pathlib import Path

from livery.testing.packs import PackContract


class TestFjord(PackContract):
    pack = Path(__file__).parent.parent / "fjord"
```

That is all: `pytest` then checks the pack's files, tokens, texts and templates, and makes every message: each of its
notifications in each language of each sample is a test of its own, and goes to every channel there is. To fill in:

| what | when |
|---|---|
| `pack` | always: the pack's folder, its zip, or the id it is installed under |
| `config`, `seller` | to test it with a tenant's tokens: the livery.toml, and the tenant |
| `strict` | if warnings are to fail, too |
| `excused` | rules whose findings you have seen and live with: the rule and why, in one sentence |

What is an error cannot be excused: it keeps something of the pack from being used. The pack is checked once for all
tests of the class, by the first of them: to collect the tests makes no message. It needs no pytest plugin, and this
module not even pytest.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from livery.packs.findings import Finding

if TYPE_CHECKING:
    from livery.packtools.checking import Report
    from livery.studio.opening import Target

_RULES: Mapping[str, Collection[str]] = {
    "tokens": ("token", "contrast"),
    "texts": ("text-missing", "text-plural", "text-unused", "text-untranslated"),
    "templates": ("unknown-variable", "refused", "syntax", "too-large"),
    "content": ("alt", "link", "image", "asset-unused"),
    "overrides": ("drift",),
    "messages": ("degraded", "staging", "determinism", "room", "render", "limit", "size", "value", "mjml", "overlay"),
}
"""The rules each test looks at; every other is one of the format."""


class PackContract:
    """Inherit it in a test class of your own; the module's docstring says how."""

    pack: ClassVar[Path | str]
    config: ClassVar[Path | str | None] = None
    seller: ClassVar[str] = ""
    strict: ClassVar[bool] = False
    excused: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def report(cls) -> "Report":
        """What `livery pack check` finds; made once."""
        return _report(cls._asked())

    @classmethod
    def _asked(cls) -> "_Asked":
        return str(cls.pack), str(cls.config) if cls.config else None, cls.seller

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """A test for every message."""
        if "message" in metafunc.fixturenames:
            planned = _planned(self._asked())
            metafunc.parametrize("message", planned, ids=["-".join(one) for one in planned])

    # ------------------------------------------------------------------ the pack by itself

    def test_the_files_are_as_the_format_has_them(self) -> None:
        known = {rule for rules in _RULES.values() for rule in rules}
        self._expect(one for one in self.report().findings if one.rule not in known)

    def test_the_tokens_hold_what_they_say_and_can_be_read_on_their_background(self) -> None:
        self._expect_none_of("tokens")

    def test_every_text_that_is_used_is_there(self) -> None:
        self._expect_none_of("texts")

    def test_the_templates_use_the_language_of_packs_and_values_that_exist(self) -> None:
        self._expect_none_of("templates")

    def test_images_have_words_and_links_lead_somewhere(self) -> None:
        self._expect_none_of("content")

    def test_what_was_copied_from_a_parent_is_what_the_parent_has(self) -> None:
        self._expect_none_of("overrides")

    # ------------------------------------------------------------------ its messages

    def test_every_notification_has_a_sample(self) -> None:
        report = self.report()
        made = {one.notification for one in report.proofs if one.sample}
        assert set(report.notifications) <= made, "put an event into samples/<notification>/"

    def test_what_is_compiled_is_the_same_each_time_and_is_what_jinja_and_mjml_make_of_it(self) -> None:
        self._expect(one for one in self.report().findings if one.rule in ("determinism", "staging", "limit"))

    def test_no_message_is_so_large_that_it_is_cut_off(self) -> None:
        self._expect(one for one in self.report().findings if one.rule == "size")

    def test_it_is_written_as_the_pack_has_it(self, message: tuple[str, str, str]) -> None:
        """In every channel: nothing falls back, nothing is left out."""
        proofs = self.report().proofs
        made = [one for one in proofs if (one.notification, one.locale, one.sample) == message]
        self._expect(found for one in made for found in one.findings)
        assert made, "it was not made; the findings about the whole pack say why"

    def test_nothing_else_is_wrong_with_messages(self) -> None:
        self._expect_none_of("messages")

    # ------------------------------------------------------------------ what counts

    def _expect_none_of(self, group: str) -> None:
        self._expect(one for one in self.report().findings if one.rule in _RULES[group])

    def _expect(self, findings: Iterable[Finding]) -> None:
        wrong = [one for one in findings if self._counts(one)]
        assert not wrong, "\n" + "\n".join(f"{one.severity} {one.rule}: {one}" for one in wrong)

    def _counts(self, finding: Finding) -> bool:
        is_excused = finding.rule in self.excused and finding.severity != "error"
        return not is_excused and (finding.severity == "error" or (self.strict and finding.severity == "warning"))


_Asked = tuple[str, str | None, str]


@cache
def _planned(asked: _Asked) -> list[tuple[str, str, str]]:
    from livery.packtools.checking import planned

    return planned(_target(asked))


@cache
def _report(asked: _Asked) -> "Report":
    from livery.packtools.checking import check

    return check(_target(asked), is_all=True)


def _target(asked: _Asked) -> "Target":
    from livery.studio.opening import Target

    pack, config, seller = asked
    return Target.named(pack, Path(config) if config else None, seller)
