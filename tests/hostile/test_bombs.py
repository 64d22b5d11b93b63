"""Bombs in templates: what grows or runs without end, when a pack is compiled and when an event is written with it."""

import pytest

from hostile import places

_BIG = 240_000


def nested(open_: str, close: str, times: int, inside: str = "x") -> str:
    return open_ * times + inside + close * times


NUMBERS = [
    "'a' * 10**9",
    "'a' * 1000000000",
    "1000000000 * 'a'",
    "[0] * 1000000000",
    "[[0] * 10000] * 10000",
    "10**(10**10)",
    "10**10**10",
    "2**(2**30)",
    "9**9999999",
    "(10**1000000) is number",
    "1 // 10**(10**9)",
    "99999999999999999999 * 99999999999999999999 * 99999999999999999999",
    "1e308 * 1e308",
    "1e999",
    "-1e999",
    "1 / 0",
    "1 // 0",
    "5 % 0",
    "1.5e300 // 1e-300",
    "9" * 5000,
    "9" * 200_000,
    "0x" + "f" * 200_000,
    "1_" * 50_000 + "1",
    "1." + "1" * 100_000,
    "-" * 5000 + "1",
    "1" + "+1" * 5000,
    "1" + "+1" * 60_000,
    "'a'" + "~'a'" * 20_000,
    "1" + " if 1 else 1" * 3000,
    "1" + " < 1" * 5000,
    "true" + " and true" * 9000,
    "not " * 9000 + "true",
    "event.offer.quantity * " * 2000 + "1",
    "event.offer.quantity * 99999999999999999999" + " * 99999999999999999999" * 50,
    "event" + ".a" * 20_000,
    "event" + "['a']" * 10_000,
    "event" + "[0:1]" * 10_000,
    "'a'" + "|upper" * 20_000,
    "event.error.message" + "|upper" * 5000,
    "event.error.message" + "|urlencode" * 59,
    "event.error.message" + "|replace('', 'aaaaaaaaaa')" * 50,
    "event.error.message" + "|replace('a', 'aa')" * 59,
    "event.error.message" + "|lines" * 59,
    "event.error.message" + "|e" * 59,
    "'%'" + "|urlencode" * 59,
    nested("(", ")", 100_000, "1"),
    nested("(", ")", 2000, "1"),
    nested("(", ")", 70, "1"),
    nested("[", "]", 100_000),
    nested("[", "]", 3000),
    nested("[", "]", 90),
    nested("{'a':", "}", 3000, "1"),
    nested("'a' ~ (", ")", 400, "event.error.message"),
    "event[" * 3000 + "1" + "]" * 3000,
    "(" * 50_000,
    "[" + "1," * 100_000 + "]",
    "[" + "'" + "a" * 200_000 + "']",
    "{" + ",".join(f"'k{number}':{number}" for number in range(9000)) + "}",
    "'" + "a" * 250_000 + "'",
    "'" + "\\\\" * 100_000 + "'",
    "'" + "\\x41" * 50_000 + "'",
    "x" * 250_000,
    "event." + "x" * 250_000,
    "event|" + "x" * 250_000,
    "event is " + "x" * 250_000,
    "'a'|center(1000000000)",
    "'a'|ljust(1000000000)",
    "'a'|zfill(1000000000)",
    "'a'|indent(1000000000)",
    "'a'|wordwrap(1, true, 'a' * 100000)",
    "'a'|truncate(1000000000, true, 'a')",
    "'a b'|wordwrap(width=1, wrapstring='x' * 10**8)",
    "'a'|format(1000000000)",
    "[1]|tojson(indent=1000000000)",
    "[1]|batch(1000000000)|list",
    "[1]|slice(1000000000)|list",
    "'a'|xmlattr",
    "'\t'|expandtabs(1000000000)",
    "'a'|replace('a', 'b' * 10**9)",
    "'aaaaaaaaaa'|replace('', 'bbbbbbbbbb')|replace('', 'bbbbbbbbbb')|replace('', 'bbbbbbbbbb')|replace('', 'bbbbbbbbbb')|replace('', 'bbbbbbbbbb')",
    "'a'|join('b' * 10**9)",
    "('a' * 100)|join",
    "1|round(1000000000)",
    "1.5|round(-1000000000)",
    "1|round(10**400)",
    "'a'|short(10**400)",
    "'a'|short('a')",
    "'a'|short(-5)",
    "'a'|replace('a', 'b', 10**400)",
    "1|number('x', 'y', 'z')",
    "'9999-12-31T23:59:59-23:59'|datetime",
    "'0001-01-01T00:00:00+23:59'|datetime",
    "'2026-01-01T00:00:00+00:00:59.999999'|datetime",
    "('9' * 5000)|int",
    "'1e400'|int",
    "'inf'|int",
    "'nan'|float|int",
    "'nan'|float|round",
    "'nan'|float|number",
    "'inf'|float|number",
    "1e308|number",
    "1e-308|number",
    "'inf'|float * 0",
    "['nan'|float, 1, 2]|sort",
    "[1, 'a', none]|sort",
    "[1, [2], {}]|sort",
    "{'a': 1, 2: 3}|sort",
    "event|sort",
    "event|join",
    "event|sort(attribute=[])",
    "event|first(1, 2, 3, 4)",
    "event|default(**{})",
]
STATIC = {
    "set doubling": "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}",
    "set doubling, unused": "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40,
    "list doubling": "{% set x = [1] %}" + "{% set x = x + x %}" * 40 + "{{ x|length }}",
    "lists of lists": "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x|length }}",
    "lists of lists, printed": "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x|join }}",
    "lists of lists, compared": "{% set x = [1] %}{% set y = [1] %}"
    + "{% set x = [x, x] %}{% set y = [y, y] %}" * 30
    + "{{ x == y }}",
    "lists of lists, of events": "{% set x = [event.error] %}" + "{% set x = [x, x] %}" * 30 + "{{ x|length }}",
    "tables of tables": "{% set x = {'a': 1} %}" + "{% set x = {'a': x, 'b': x} %}" * 40 + "{{ x ~ '' }}",
    "set blocks doubling": "{% set x %}aaaaaaaaaa{% endset %}"
    + "{% set x %}{{ x }}{{ x }}{% endset %}" * 40
    + "{{ x }}",
    "set blocks doubling, of events": "{% set x %}{{ event.error.message }}{% endset %}"
    + "{% set x %}{{ x }}{{ x }}{% endset %}" * 30
    + "{{ x }}",
    "set blocks doubling, of blocks": "{% set x %}{{ block.text }}{{ notification.title }}{% endset %}"
    + "{% set x %}{{ x }}{{ x }}{% endset %}" * 30
    + "{{ x }}",
    "set doubling, of events": "{% set x = event.error.message %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}",
    "set doubling, of blocks": "{% set x = block.text %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}",
    "ifs doubling, of events": "{% set x = event.error.message %}"
    + "{% if x %}{% set x = x ~ 'a' %}{% else %}{% set x = x ~ 'b' %}{% endif %}" * 40
    + "{{ x }}",
    "inline ifs doubling": "{% set x = event.error.message %}" + "{% set x = (x if x else x) %}" * 40 + "{{ x }}",
    "macros in a tree": "".join(
        f"{{% macro m{n} %}}{{{{ m{n - 1}() }}}}{{{{ m{n - 1}() }}}}{{% endmacro %}}" for n in range(40, 0, -1)
    )
    + "{% macro m0() %}x{% endmacro %}{{ m40() }}",
    "macros in a tree, deep": "{% macro m0() %}x{% endmacro %}"
    + "".join(f"{{% macro m{n}() %}}{{{{ m{n - 1}() }}}}{{{{ m{n - 1}() }}}}{{% endmacro %}}" for n in range(1, 41))
    + "{{ m40() }}",
    "macros in a tree, shallow": "{% macro m0() %}x{% endmacro %}"
    + "".join(f"{{% macro m{n}() %}}" + f"{{{{ m{n - 1}() }}}}" * 50 + "{% endmacro %}" for n in range(1, 12))
    + "{{ m11() }}",
    "macros in a tree, saying nothing": "{% macro m0() %}{% endmacro %}"
    + "".join(
        f"{{% macro m{n}() %}}{{% set a = m{n - 1}() %}}{{% set a = m{n - 1}() %}}{{% endmacro %}}"
        for n in range(1, 31)
    )
    + "{{ m30() }}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a macro that calls itself, twice": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "a macro that calls itself, if": "{% macro m(x) %}{% if event.error.retryable %}{{ m(x) }}{% endif %}{% endmacro %}{{ m(1) }}",
    "macros that call each other": "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "a macro handed to itself": "{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}",
    "call in a tree": "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}"
    + "{% call m() %}" * 30
    + "x"
    + "{% endcall %}" * 30,
    "call, wide": "{% macro m() %}"
    + "{{ caller() }}" * 100
    + "{% endmacro %}"
    + "{% call m() %}" * 8
    + "x"
    + "{% endcall %}" * 8,
    "macros with defaults": "{% macro m(a='x' * 10**9) %}{{ a }}{% endmacro %}{{ m() }}",
    "loops in loops": "{% for a in [1,2,3,4,5,6,7,8,9,10] %}" * 12 + "x" + "{% endfor %}" * 12,
    "loops in loops, saying nothing": "{% set l = [1,2,3,4,5,6,7,8,9,10] %}"
    + "{% for a in l %}" * 12
    + "{% endfor %}" * 12,
    "loops in loops, over a text": "{% set l = '" + "a" * 5000 + "' %}" + "{% for a in l %}" * 6 + "{% endfor %}" * 6,
    "loops in loops, forty deep": "{% for a in [1] %}" * 40 + "x" + "{% endfor %}" * 40,
    "loops in loops, a thousand deep": "{% for a in [1] %}" * 1000 + "x" + "{% endfor %}" * 1000,
    "ifs in ifs": "{% if 1 %}" * 3000 + "x" + "{% endif %}" * 3000,
    "ifs in ifs, of events": "{% if event.error.retryable %}" * 50 + "x" + "{% endif %}" * 50,
    "elifs": "{% if event.a %}x" + "{% elif event.a %}x" * 4000 + "{% endif %}",
    "elifs, one time": "{% if event.error.code == 'a' %}x"
    + "".join(f"{{% elif event.error.code == 'a{n}' %}}x" for n in range(60))
    + "{% endif %}",
    "withs": "{% with a = 1 %}" * 3000 + "{% endwith %}" * 3000,
    "filters in filters": "{% filter upper %}" * 3000 + "x" + "{% endfilter %}" * 3000,
    "blocks": "".join(f"{{% block b{n} %}}x{{% endblock %}}" for n in range(9000)),
    "blocks in blocks": "".join(f"{{% block b{n} %}}" for n in range(1000)) + "{% endblock %}" * 1000,
    "a block twice": "{% block a %}{% endblock %}{% block a %}{% endblock %}",
    "macros": "".join(f"{{% macro m{n}() %}}x{{% endmacro %}}" for n in range(9000)),
    "sets": "".join(f"{{% set a{n} = {n} %}}" for n in range(9000))
    + "{% if event.error.retryable %}{% set a1 = 2 %}{% endif %}" * 300,
    "sets under ifs": "".join(f"{{% if event.e{n} %}}{{% set a = {n} %}}{{% endif %}}" for n in range(2000))
    + "{{ a }}",
    "holes": "{{ event.error.code }}" * 9000,
    "holes of constants": "{{ 1 }}" * 60_000,
    "sorts": "{% set a = [" + "'b'," * 3000 + "] %}" + "{% set b = a|sort %}" * 3000,
    "sorts of texts": "{% set a = ['" + "b" * 60000 + "','" + "B" * 60000 + "'] %}" + "{% set b = a|sort %}" * 3000,
    "replacing": "{% set a = '" + "b" * 60000 + "' %}" + "{% set c = a|replace('b', 'c') %}" * 3000,
    "searching": "{% set a = '" + "b" * 60000 + "' %}{% set n = '" + "b" * 90 + "c' %}" + "{% set c = n in a %}" * 3000,
    "joining": "{% set a = ['" + "b" * 60000 + "'] %}" + "{% set c = a|join %}" * 3000,
    "a text of 256 KiB": "x" * (256 * 1024 - 1),
    "a text of 2 MiB": "x" * (2 * 1024 * 1024),
    "comments": "{# #}" * 50_000,
    "a comment": "{#" + "x" * 250_000,
    "braces": "{" * 250_000,
    "braces two by two": "{{" * 100_000,
    "percents": "{%" * 100_000,
    "hashes": "{#" * 100_000,
    "closed braces": "}}" * 100_000,
    "raw": "{% raw %}" * 20_000,
    "raw that does not end": "{% raw %}" + "x" * 200_000,
    "blanks": "{% if 1 %}" + " " * 200_000 + "{% endif %}",
    "blanks in a tag": "{{" + " " * 200_000 + "1 }}",
    "lines": "\n" * 250_000,
    "lines in a tag": "{{ 1" + "\n" * 200_000 + "}}",
    "quotes": "{{ " + "'" * 200_000 + " }}",
    "quotes, odd": "{{ " + "'" * 200_001 + " }}",
    "quotes two kinds": "{{ " + "'\"" * 100_000 + " }}",
    "backslashes": "{{ '" + "\\" * 200_000 + " }}",
}


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(place(expression), id=f"{name}: {expression[:60]} ({len(expression)})")
        for expression in NUMBERS
        for name, place in places.EXPRESSIONS.items()
        if name in ("text", "partial", "when")
    ],
)
def test_an_expression(rig, files):
    outcome = rig.run(rig.chain(files) if _fits(files) else None)
    assert "Not available in your region" in outcome.html


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(place(source), id=f"{name}: {about}")
        for about, source in STATIC.items()
        for name, place in places.STATEMENTS.items()
        if name in ("text", "partial")
    ],
)
def test_a_template(rig, files):
    outcome = rig.run(rig.chain(files) if _fits(files) else None)
    assert "Not available in your region" in outcome.html


def _fits(files):
    """Larger files never get in: `test_sources` sees to that."""
    return all(len(one) <= 1024 * 1024 for one in files.values())
