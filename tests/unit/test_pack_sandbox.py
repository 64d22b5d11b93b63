"""The language of packs, sandbox: hostile templates raise, or render to something harmless."""

import pytest

from livery.locales import Choice
from livery.packs.operations import Tongue
from livery.stencils.compiling import Files
from livery.stencils.staging import Stager
from livery.stencils.values import StagingError
from unit import two_ways
from unit.making import order_of, packs

SECRET = "geheim"


class Live:
    """An object nobody should have put into a context; nothing of it may be reached all the same."""

    secret = SECRET
    items = [SECRET]

    def __str__(self) -> str:
        return "live"

    def method(self) -> str:
        return SECRET


def seen() -> dict:
    return {
        "event": {"text": "a<b", "number": 7, "list": [1, 2], "part": {"key": "value"}, "live": Live(), "null": None},
        "brand": {"name": "The Shop"},
    }


def rendered(source: str, *, markup: bool) -> str:
    return two_ways.text(source, seen(), markup=markup)


REACHING = [
    "{{ event.live }}",
    "{% filter trim %}{{ event.text }}{% endfilter %}",
    "{{ event.__class__ }}",
    "{{ event['__class__'] }}",
    "{{ event.text.__class__.__mro__ }}",
    "{{ ''.__class__.__base__.__subclasses__() }}",
    "{{ ().__class__.__bases__ }}",
    "{{ event.list.__class__ }}",
    "{{ event.null.__class__ }}",
    "{{ true.__class__ }}",
    "{{ 1.0.__class__ }}",
    "{{ (event.list | first).__class__ }}",
    "{{ event.missing.__class__ }}",
    "{{ missing.__init__.__globals__ }}",
    "{{ event.text.upper() }}",
    "{{ event.text.encode }}",
    "{{ event.text.format(1) }}",
    "{{ '{0.__class__}'.format(event) }}",
    "{{ event.part.items() }}",
    "{{ event.part.get('key') }}",
    "{{ event.list.append(3) }}",
    "{{ event.live.secret }}",
    "{{ event.live['secret'] }}",
    "{{ event.live.method() }}",
    "{{ event.live.items }}",
    "{{ event | attr('keys') }}",
    "{{ event.live | attr('secret') }}",
    "{{ [event.live] | map(attribute='secret') | first }}",
    "{{ [event.live] | join(attribute='secret') }}",
    "{{ [event.live, event.live] | sort(attribute='secret') }}",
    "{{ [event.live] | selectattr('method') | list }}",
    "{{ [event.live] | groupby('secret') }}",
    "{{ event.text | list | map('upper') | list }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{% for one in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% for one in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% with x = event.__class__ %}{{ x }}{% endwith %}",
    "{% filter attr('__class__') %}{% endfilter %}",
    "{{ environment }}",
    "{{ __builtins__ }}",
    "{{ context }}",
]
CALLING = [
    "{{ range(9) }}",
    "{{ lipsum() }}",
    "{{ cycler('a') }}",
    "{{ joiner() }}",
    "{{ namespace(a=1) }}",
    "{{ dict(a=1) }}",
    "{{ super() }}",
    "{{ caller() }}",
    "{{ gettext('x') }}",
    "{{ import('os') }}",
    "{{ event() }}",
    "{{ event.live() }}",
    "{{ 'text'() }}",
    "{% for one in [1] %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for one in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
]
COSTLY = [
    "{{ 'a' * 1000000000 }}",
    "{{ [0] * 1000000000 }}",
    "{{ event.text * 9 }}",
    "{{ 9 ** 9 }}",
    "{{ 9 ** 9999999 }}",
    "{{ '%s' % event }}",
    "{{ '%099999999d' % 1 }}",
    "{{ 5 % 3 }}",
    "{{ event.text | center(1000000000) }}",
    "{{ event.text | indent(1000000000) }}",
    "{{ '%s' | format(event) }}",
    "{{ event.text | wordwrap(1) }}",
]
CHANGING = [
    "{% set event.text = 1 %}",
    "{% do event.update(a=1) %}",
    "{% set ns = namespace() %}",
    "{% debug %}",
    "{% break %}",
    "{% trans %}x{% endtrans %}",
    "{% autoescape false %}{{ event.text }}{% endautoescape %}",
    "{% autoescape event.missing %}{{ event.text }}{% endautoescape %}",
    "{{ event.text | safe }}",
    "{{ event.text | tojson }}",
    "{{ event.text | pprint }}",
    "{{ event | xmlattr }}",
    "{{ event.text | random }}",
    "{{ event.text | striptags }}",
    "{{ event.text | urlize }}",
    "{{ event is callable }}",
    "{{ event.list | select('callable') | list }}",
    "{{ 'text' is filter }}",
]


@pytest.mark.parametrize("markup", [False, True], ids=["text", "markup"])
@pytest.mark.parametrize("source", [*REACHING, *CALLING, *COSTLY, *CHANGING])
def test_a_hostile_snippet_raises(source, markup):
    with pytest.raises(Exception, match=r".") as caught:
        rendered(source, markup=markup)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{{ event.missing is defined }}", "False"),
        ("{{ event.__class__ is defined }}", "False"),
        ("{{ event.live.secret is defined }}", "False"),
        ("{{ event.live.secret | default('nothing') }}", "nothing"),
        ("{% set event = 5 %}{{ event }}", "5"),
        ("{% for one in event.live.items | default([]) %}{{ one }}{% endfor %}", ""),
    ],
)
def test_a_suspect_snippet_renders_to_something_harmless(source, written):
    for markup in (False, True):
        assert rendered(source, markup=markup).strip("\u2068\u2069") == written


def test_a_template_leaves_what_it_is_given_as_it_was():
    given = seen()
    two_ways.text("{% set event = 5 %}{% set x = event %}", given)
    assert given["event"]["text"] == "a<b"


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{{ event.number * 6 }}", "42"),
        ("{{ event.number + 1 }}", "8"),
        ("{% macro hi(name) %}hi {{ name }}{% endmacro %}{{ hi(brand.name) }}", "hi The Shop"),
        (
            "{% for one in event.list %}{{ loop.index }}:{{ one }}{{ '' if loop.last else ', ' }}{% endfor %}",
            "1:1, 2:2",
        ),
        ("{{ event.list | join('+') }}", "1+2"),
        ("{{ event.part.key | upper }}", "VALUE"),
        ("{{ event['part']['key'] }}", "value"),
        ("{{ event.text | length }}", "3"),
        ("{{ 'yes' if event.number > 5 else 'no' }}", "yes"),
        ("{% if event.text is string and event.part is mapping %}ok{% endif %}", "ok"),
    ],
)
def test_what_a_designer_needs_works(source, written):
    for markup in (False, True):
        assert rendered(source, markup=markup).strip("\u2068\u2069") == written


@pytest.mark.parametrize(
    "source",
    [
        "{{ event.text }}",
        "{{ event.text ~ '' }}",
        "{{ event.text | upper | lower }}",
        "{{ event.text | replace('x', 'y') }}",
        "{{ [event.text] | join }}",
        "{{ event.text | default('') }}",
        "{{ event.text | string }}",
        "{% set x = event.text %}{{ x }}",
        "{% set x %}{{ event.text }}{% endset %}{{ x }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(event.text) }}",
        "{% for one in [event.text] %}{{ one }}{% endfor %}",
        "{{ event.text | lines }}",
        "{{ event.text | short }}",
        "{{ event.text | number }}",
        "{{ event.text | datetime }}",
        "{{ (event.text | e) | replace('&lt;', '<') }}",
    ],
)
def test_a_value_of_an_event_is_always_escaped_in_markup(source):
    assert rendered(source, markup=True) == "a&lt;b"


@pytest.mark.parametrize("statement", ["include", "extends", "import"])
@pytest.mark.parametrize(
    "path",
    [
        "../outside.j2",
        "parent:../outside.j2",
        "over1!../outside.j2",
        "/etc/passwd",
        "blocks/../../outside.j2",
        "outside.j2",
        "",
        "parent:",
        "!",
        "a" * 5000,
    ],
    ids=range(10),
)
def test_no_statement_reaches_a_file_that_is_not_of_the_pack(tmp_path, statement, path):
    (tmp_path / "outside.j2").write_text(SECRET)
    tail = " as x" if statement == "import" else ""
    found = packs(tmp_path, {"parts/x.j2": f'{{% {statement} "{path}"{tail} %}}'})
    order = order_of(found, Choice("en", ("en",), "", "en"), {"name": "The Shop"})
    files = Files(order["packs"], order["files"])
    with pytest.raises(StagingError) as caught:
        Stager(Tongue("en", "ltr", markup=True), files.read).template(*files.read("parts/x.j2", ""), {})
    assert SECRET not in str(caught.value)
