"""A library of packs: chains over parents and add-ons; one broken pack takes nobody down; edits are whole or not at all."""

import threading

import pytest

from livery.errors import NotFound, PackError, PluginError
from livery.packs import chain
from livery.packs.chain import Library
from unit.making import DEFINITION, base_pack, manifest, write


def add_on(id_: str, to: str) -> str:
    return manifest(id_).replace("[tokens]", f'adds_to = "{to}"\n[tokens]')


def library(folder, **packs: dict[str, str] | str) -> Library:
    """Packs by id: their files, or just their manifest."""
    return Library(
        [write(folder / id_, {"pack.toml": files} if isinstance(files, str) else files) for id_, files in packs.items()]
    )


def ids(chain) -> list[str]:
    return [pack.id for pack in chain.packs]


# ------------------------------------------------------------------ what there is


def test_packs_that_cannot_be_read_are_set_aside_and_the_others_serve(tmp_path):
    loop = tmp_path / "loop"
    loop.mkdir()
    (loop / "pack.toml").symlink_to("pack.toml")
    (tmp_path / "file").write_text("no folder")
    broken = [
        tmp_path / "absent",
        tmp_path / "file",
        loop,
        write(tmp_path / "toml", {"pack.toml": "id ="}),
        write(tmp_path / "deep", {"pack.toml": "x = " + "[" * 5000}),
        write(tmp_path / "fields", {"pack.toml": "id = 'x'"}),
    ]
    found = Library([*broken[:3], base_pack(tmp_path / "base"), *broken[3:]])
    assert list(found.packs) == ["base"]
    assert set(found.broken) == set(broken)
    assert all(str(error) for error in found.broken.values())
    assert found.chain("base").top.id == "base"


def test_a_pack_with_a_broken_file_is_used_without_it(tmp_path):
    child = {"pack.toml": manifest("child", "base"), "strings/en.toml": "broken =", "strings/de.toml": "title = 'T'"}
    found = Library([base_pack(tmp_path / "base"), write(tmp_path / "child", child)])
    chain = found.chain("child")
    assert (ids(chain), chain.locales()) == (["child", "base"], ["de", "en"])
    assert next(chain.strings("title", ["en"]))[1].id == "base"
    (line,) = chain.set_aside("offer_provision_error")
    assert line.startswith("child 1.0: strings/en.toml:1:9: is not TOML")
    assert [str(one) for one in found.findings()] == [line.removeprefix("child 1.0: ")]
    assert found.broken == {}


def test_an_unknown_pack_lists_those_there_are(tmp_path):
    with pytest.raises(NotFound, match="'nope'; there are: a, b"):
        library(tmp_path, b=manifest("b"), a=manifest("a")).chain("nope")
    with pytest.raises(NotFound, match="there are: none"):
        Library([]).chain("nope")


def test_two_packs_with_one_id_stop_the_start_and_one_folder_given_twice_does_not(tmp_path):
    one, two = base_pack(tmp_path / "one"), base_pack(tmp_path / "two")
    (tmp_path / "link").symlink_to("one")
    assert list(Library([one, str(one), tmp_path / "link", tmp_path / "two/../one"]).packs) == ["base"]
    with pytest.raises(PluginError, match=r"two packs have the id 'base': .*one and .*two; rename one"):
        Library([one, two])


# ------------------------------------------------------------------ chains


@pytest.mark.parametrize(
    ("parents", "chain", "error"),
    [
        ({"a": None}, ["a"], ""),
        ({"a": "b", "b": None}, ["a", "b"], ""),
        ({"a": "b", "b": "c", "c": None}, ["a", "b", "c"], ""),
        ({"a": "gone"}, [], "its parent 'gone' is not installed; install it"),
        ({"a": "b", "b": "gone"}, [], "its parent 'gone' is not installed"),
        ({"a": "basse", "base": None}, [], "its parent 'basse' is not installed; did you mean 'base'?"),
        ({"a": "a"}, [], "a → a"),
        ({"a": "b", "b": "a"}, [], "a → b → a"),
        ({"a": "b", "b": "c", "c": "b"}, [], "a → b → c → b"),
    ],
)
def test_a_chain_runs_over_the_parents_and_cycles_or_missing_ones_are_named(tmp_path, parents, chain, error):
    found = library(tmp_path, **{id_: manifest(id_, parent) for id_, parent in parents.items()})
    if not error:
        assert (ids(found.chain("a")), found.findings()) == (chain, [])
        return
    with pytest.raises(PackError) as caught:
        found.chain("a")
    assert error in str(caught.value)
    assert (caught.value.file, caught.value.line, caught.value.column) == ("pack.toml", 4, 11)
    assert error in "".join(map(str, found.findings()))


@pytest.mark.parametrize(
    ("packs", "asked", "chain"),
    [
        ({"base": "", "ev": "+base"}, "base", ["ev", "base"]),
        ({"base": "", "ev": "+base", "fjord": "base"}, "fjord", ["fjord", "ev", "base"]),
        ({"base": "", "ev": "+base", "fjord": "base"}, "ev", ["ev", "base"]),
        ({"base": "", "c": "+base", "a": "+base", "b": "+base"}, "base", ["c", "b", "a", "base"]),
        ({"base": "", "c": "+base", "a": "+base", "b": "+base"}, "b", ["b", "c", "a", "base"]),
        ({"base": "", "ev": "+base", "more": "+ev"}, "base", ["more", "ev", "base"]),
        ({"base": "", "dist": "base", "ev": "+dist", "shop": "dist"}, "shop", ["shop", "ev", "dist", "base"]),
        ({"base": "", "dist": "base", "ev": "+dist"}, "base", ["base"]),
        ({"base": "", "ev": "+gone"}, "base", ["base"]),
        ({"base": "", "a": "+b", "b": "+a"}, "base", ["base"]),
        ({"base": "", "over": "ev", "ev": "+base"}, "over", ["over", "ev", "base"]),
    ],
)
def test_an_add_on_stands_directly_above_the_pack_it_adds_to_in_every_chain(tmp_path, packs, asked, chain):
    files = {id_: add_on(id_, of[1:]) if of.startswith("+") else manifest(id_, of or None) for id_, of in packs.items()}
    found = library(tmp_path, **files).chain(asked)
    assert ids(found) == chain
    assert found.asked.id == asked


@pytest.mark.parametrize(
    ("packs", "says"),
    [
        ({"base": manifest("base"), "ev": add_on("ev", "bas")}, "the pack 'bas' it adds to is not installed"),
        ({"a": add_on("a", "b"), "b": add_on("b", "a")}, "packs are each other's parents: a → b → a"),
        ({"a": add_on("a", "a")}, "packs are each other's parents: a → a"),
    ],
)
def test_an_add_on_to_nothing_is_found_though_no_chain_has_it(tmp_path, packs, says):
    found = library(tmp_path, **packs)
    assert says in "".join(map(str, found.findings()))
    with pytest.raises(PackError, match=r"pack\.toml:4:12"):
        found.chain(min(packs) if "base" not in packs else "ev")


def test_an_add_on_brings_a_notification_to_every_seller(tmp_path):
    found = library(
        tmp_path,
        base={"pack.toml": manifest("base", primary="red"), "strings/en.toml": 'a = "base"\nb = "base"'},
        ev={
            "pack.toml": add_on("ev", "base") + '\nnew = "blue"',
            "notifications/new.toml": 'event = "New"\nsubject = "a"\ntitle = "b"',
            "strings/en.toml": 'b = "ev"',
        },
        shop={"pack.toml": manifest("shop", "base"), "strings/en.toml": 'a = "shop"'},
    ).chain("shop")
    definition, _ = found.definition("new")
    assert (definition.event, found.tokens()["new"], found.tokens()["primary"]) == ("New", "blue", "red")
    assert [next(found.strings(key, ["en"]))[0] for key in "ab"] == ["shop", "ev"]
    assert found.asked.label == "shop 1.0"
    assert [id_ for id_, _ in found.token_layers()] == ["base", "ev", "shop"]


def test_a_chain_has_a_digest_of_all_its_packs_in_order(tmp_path):
    found = library(tmp_path, a=manifest("a", "b"), b=manifest("b"), c=manifest("c", "b"))
    again = library(tmp_path / "elsewhere", a=manifest("a", "b"), b=manifest("b"))
    assert found.chain("a").digest == again.chain("a").digest
    assert len({found.chain(id_).digest for id_ in "abc"}) == 3


def test_a_token_is_found_in_the_file_of_the_pack_that_says_it(tmp_path):
    chain = library(tmp_path, a=manifest("a", "b", x="1"), b=manifest("b", x="2", y="3")).chain("a")
    assert [tuple(chain.token_place(pack, "y")) for pack in ("a", "b", "c")] == [(0, 0), (6, 1), (0, 0)]
    assert tuple(chain.token_place("a", "x")) == (6, 1)


# ------------------------------------------------------------------ reloading


@pytest.fixture
def live(tmp_path):
    """Three packs, `shop` over `dist` over `base`, and `other` beside them."""
    base_pack(tmp_path / "base")
    return library(
        tmp_path, base={}, other=manifest("other"), dist=manifest("dist", "base"), shop=manifest("shop", "dist"),
    )  # fmt: skip


def test_what_has_not_changed_stays_as_it_is_with_all_that_is_made_of_it(live):
    chains = {id_: live.chain(id_) for id_ in live.packs}
    assert not live.changed()
    assert not live.reload()
    assert all(live.chain(id_) is chain for id_, chain in chains.items())


def test_an_edit_is_in_use_after_a_reload_and_not_before(live, tmp_path):
    chains = {id_: live.chain(id_) for id_ in live.packs}
    write(tmp_path / "dist", {"strings/en.toml": 'closing = "new"'})
    assert live.changed()
    assert next(live.chain("shop").strings("closing", ["en"]))[0] == "We are sorry."
    changes = live.reload()
    assert (changes.added, changes.changed, changes.removed) == ((), ("dist",), ())
    assert next(live.chain("shop").strings("closing", ["en"]))[0] == "new"
    assert [live.chain(id_) is chain for id_, chain in chains.items()] == [True, True, False, False]
    assert not live.changed()


def test_an_edit_of_two_files_is_in_use_once_both_are_written(live, tmp_path, monkeypatch):
    write(tmp_path / "dist", {"pack.toml": manifest("dist", "base", primary="#111111")})
    later = [{"strings/en.toml": 'closing = "to go with it"'}]
    monkeypatch.setattr(chain, "sleep", lambda _: write(tmp_path / "dist", later.pop()) if later else None)
    assert live.reload().changed == ("dist",)
    assert live.packs["dist"].manifest.tokens["primary"] == "#111111"
    assert live.packs["dist"].strings["en"] == {"closing": "to go with it"}
    assert not live.broken


def test_a_pack_that_never_rests_stays_as_it_was_and_the_others_are_reloaded(live, tmp_path, monkeypatch):
    old, numbers = live.packs["dist"], iter(range(1000))
    write(tmp_path / "dist", {"strings/en.toml": 'closing = "half"'})
    write(tmp_path / "other", {"strings/en.toml": 'closing = "whole"'})
    monkeypatch.setattr(
        chain, "sleep", lambda _: write(tmp_path / "dist", {"strings/en.toml": f'closing = "{next(numbers) * "x"}"'})
    )
    assert live.reload().changed == ("other",)
    assert live.packs["dist"] is old
    assert "at rest" in str(live.broken[tmp_path / "dist"])
    monkeypatch.setattr(chain, "sleep", lambda _: None)
    assert live.reload().changed == ("dist",)


def test_touching_a_file_changes_nothing_that_is_made_of_it(live, tmp_path):
    chain = live.chain("shop")
    text = (tmp_path / "dist/pack.toml").read_text()
    (tmp_path / "dist/pack.toml").unlink()
    write(tmp_path / "dist", {"pack.toml": text})
    assert live.changed()
    assert not live.reload()
    assert live.chain("shop") is chain
    assert not live.changed()


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ({"pack.toml": "id ="}, "pack.toml:1:5: is not TOML"),
        ({"pack.toml": manifest("dist", "base").replace("1", "9", 1)}, "needs a newer Livery"),
        ({"strings/en.toml": "closing ="}, "strings/en.toml:1:10: is not TOML"),
        ({"strings/en.toml": "closing = 5"}, "closing is no text"),
        ({DEFINITION: "subjekt = 'x'", "strings/en.toml": 'closing = "new"'}, "subjekt is no field"),
        ({"strings/en.toml": "#" * 300_000}, "is larger than 256 KiB"),
        ({"pack.toml": manifest("other", "base")}, "two packs have the id 'other'"),
    ],
)
def test_an_edit_that_breaks_a_pack_is_not_taken_and_the_pack_stays_as_it_was(live, tmp_path, edit, says):
    before = live.packs["dist"]
    write(tmp_path / "dist", edit)
    assert not live.reload()
    assert live.packs["dist"] is before
    assert next(live.chain("shop").strings("closing", ["en"]))[0] == "We are sorry."
    assert says in str(live.broken[tmp_path / "dist"])
    assert not live.changed()
    write(tmp_path / "dist", {"pack.toml": manifest("dist", "base"), "strings/en.toml": "", DEFINITION: ""})
    assert live.reload().changed == ("dist",)
    assert live.broken == {}


def test_a_pack_that_was_broken_from_the_start_is_taken_as_it_comes(tmp_path):
    found = library(tmp_path, a={"pack.toml": manifest("a"), "strings/en.toml": "x ="})
    write(tmp_path / "a", {"strings/en.toml": "x = 5", "strings/de.toml": 'x = "y"'})
    assert found.reload().changed == ("a",)
    assert found.chain("a").locales() == ["de", "en"]


def test_packs_come_and_go_and_change_their_name(live, tmp_path):
    write(tmp_path / "other", {"pack.toml": manifest("another", "base")})
    changes = live.reload()
    assert (changes.added, changes.changed, changes.removed) == (("another",), (), ("other",))
    with pytest.raises(NotFound):
        live.chain("other")
    assert ids(live.chain("another")) == ["another", "base"]


def test_a_pack_whose_folder_goes_away_stays_in_use_and_is_told_of(live, tmp_path):
    (tmp_path / "other/pack.toml").unlink()
    (tmp_path / "other").rmdir()
    assert live.changed()
    assert not live.reload()
    assert live.chain("other").top.id == "other"
    assert "does not exist" in str(live.broken[tmp_path / "other"])


def test_a_pack_that_comes_later_is_seen(tmp_path):
    found = Library([tmp_path / "later"])
    assert not found.packs
    write(tmp_path / "later", {"pack.toml": manifest("later")})
    assert found.changed()
    assert found.reload().added == ("later",)


def test_an_add_on_changes_the_chains_of_those_it_adds_to(live, tmp_path):
    found = Library([tmp_path / id_ for id_ in ("base", "other", "dist", "shop", "ev")])
    shop, other = found.chain("shop"), found.chain("other")
    write(tmp_path / "ev", {"pack.toml": add_on("ev", "base")})
    assert found.reload().added == ("ev",)
    assert ids(found.chain("shop")) == ["shop", "dist", "ev", "base"]
    assert (found.chain("shop") is shop, found.chain("other") is other) == (False, True)


def test_readers_see_one_state_or_the_other_and_never_half(live, tmp_path):
    """Two packs that are always edited together: whoever reads while they are reloaded finds them equal."""
    texts = [f'both = "{number}"' for number in range(12)]
    seen, wrong, done = set(), [], threading.Event()

    def read() -> None:
        while not done.is_set():
            packs = live.packs
            pair = {packs[id_].strings.get("en", {}).get("both") for id_ in ("dist", "shop")}
            chain = [text for text, _, _ in live.chain("shop").strings("both", ["en"])]
            seen.update(pair)
            wrong.extend([pair] if len(pair) > 1 else [])
            wrong.extend([chain] if len(set(chain)) > 1 else [])

    readers = [threading.Thread(target=read) for _ in range(3)]
    for one in readers:
        one.start()
    for text in texts:
        for id_ in ("dist", "shop"):
            write(tmp_path / id_, {"strings/en.toml": text})
        live.reload()
    done.set()
    for one in readers:
        one.join()
    assert wrong == []
    assert seen
    assert live.packs["shop"].strings["en"]["both"] == "11"
