"""What holds for whatever packs and tenants say of tokens, and for the packs we ship."""

import pkgutil
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.packs.colour import contrast
from livery.packs.tokens import TokenSpec, describe, resolve
from unit.brands import BASE

# --------------------------------------------------------------------------- whatever is said

anything = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            "#fff",
            "navy",
            "#2747c9",
            "#1c2736",
            "#f2b84b",
            "#0f1319",
            "red;}",
            "12",
            "3px",
            "1em",
            "https://a.example",
        ]
    ),
)
names = st.sampled_from([*sorted(BASE[1]), "unknown", "un known"])
plain = st.dictionaries(names, anything, max_size=8)
references = st.one_of(st.just(""), st.sampled_from("abcdef"))
tables = st.dictionaries(
    st.sampled_from("abcde"),
    st.builds(
        TokenSpec,
        type=st.sampled_from(["colour", "colour", "colour", "text", "length"]),
        value=anything,
        on=st.one_of(references, st.lists(references, max_size=3).map(tuple)),
        same_as=references,
        dark=references,
        large=st.booleans(),
    ),
)


def again(packs, tenants):
    """The same tables with the values that came out."""
    found = resolve(packs, tenants).values
    specs = {}
    for _, tokens in packs:
        for name, one in tokens.items():
            if isinstance(one, TokenSpec) and name not in specs:
                specs[name] = one
    return resolve(
        [("base", {name: one.model_copy(update={"value": found[name]}) for name, one in specs.items()})]
    ).values


@given(plain, plain)
def test_what_comes_out_is_safe_and_comes_out_of_itself(pack, tenant):
    packs, tenants = [BASE, ("over", pack)], [("shop", tenant)]
    found = resolve(packs, tenants)
    for value in found.values.values():
        assert not set(value) & set("<>\"{};\\'\n\r\t\0")
    assert resolve(packs, tenants) == found
    repeated = again(packs, tenants)
    assert {name: found.values[name] for name in repeated} == repeated


@given(plain, plain)
def test_what_follows_from_others_can_always_be_read(pack, tenant):
    found = resolve([BASE, ("over", pack)], [("shop", tenant)])
    for name, ground in [("on_primary", "primary"), ("text", "page"), ("dark_text", "dark_page"), ("danger", "page")]:
        if found.origins[name].startswith("derived"):
            assert contrast(found.values[name], found.values[ground]) >= 4.5


@given(tables, tables)
def test_no_table_breaks_it(one, other):
    found = resolve([("base", one), ("over", other)])
    assert set(found.values) == set(one) | set(other) == set(found.origins)
    assert [row.name for row in describe([("base", one), ("over", other)])] == list(found.values)
    assert all(str(finding).isprintable() for finding in found.findings)


# --------------------------------------------------------------------------- our own packs


def tokens_of(folder):
    manifest = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))
    tokens = manifest.get("tokens", {})
    return manifest, {
        name: TokenSpec.model_validate(one) if isinstance(one, dict) else str(one) for name, one in tokens.items()
    }


OURS = sorted(one.name for one in pkgutil.iter_modules() if one.name.startswith("livery_pack_"))


def folder_of(module):
    return Path(find_spec(module).submodule_search_locations[0])


@pytest.mark.parametrize("module", OURS)
def test_nothing_is_wrong_with_the_tokens_of_our_packs(module):
    manifest, own = tokens_of(folder_of(module))
    _, base = tokens_of(folder_of("livery_pack_base"))
    found = resolve([("base", base)] if manifest["id"] == "base" else [("base", base), (manifest["id"], own)])
    assert found.findings == ()


def test_the_look_of_the_base_pack_is_the_one_it_was_drawn_with():
    """Its empty tokens stand for what the layout shows without them; what follows is what was chosen by hand."""
    _, base = tokens_of(folder_of("livery_pack_base"))
    values = resolve([("base", base)]).values
    empty = {name for name, value in values.items() if not value}
    assert empty >= {"header", "mark", "on_mark", "dark_primary", "dark_on_primary", "dark_header", "logo_url"}
    assert (values["on_primary"], values["on_header"], values["dark_on_header"]) == ("#ffffff", "#16202e", "#eef1f5")


def test_every_token_of_the_base_pack_says_what_it_is_for():
    _, base = tokens_of(folder_of("livery_pack_base"))
    assert [row.name for row in describe([("base", base)]) if not row.description] == []
