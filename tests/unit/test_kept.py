"""Kept: what was read is read again once the revision moved, and never answers what is older than that."""

from hypothesis import given
from hypothesis import strategies as st

from livery.kept import Kept


class Store:
    def __init__(self):
        self.revision, self.values, self.reads = 0, {}, []

    def change(self, key, value):
        self.values[key] = value
        self.revision += 1

    def read(self, keys):
        self.reads.append(list(keys))
        return {key: self.values.get(key) for key in keys}


@given(st.lists(st.one_of(st.tuples(st.integers(0, 3), st.integers()), st.sets(st.integers(0, 3)))), st.integers(1, 6))
def test_it_always_answers_what_the_store_would(steps, most):
    store, kept = Store(), Kept(most)
    for step in steps:
        if isinstance(step, tuple):
            store.change(*step)
        else:
            assert kept.all(store.revision, step, store.read) == {key: store.values.get(key) for key in step}


def test_what_is_known_is_not_read_again():
    store, kept = Store(), Kept()
    kept.all(1, ["a"], store.read)
    kept.all(1, ["a", "b"], store.read)
    kept.all(1, ["a", "b"], store.read)
    assert store.reads == [["a"], ["b"]]


def test_what_was_read_while_another_thread_saw_a_change_is_not_kept():
    store, kept = Store(), Kept()

    def overtaken(keys):
        before = store.read(keys)
        store.change("a", "new")
        assert kept.all(store.revision, ["other"], store.read) == {"other": None}
        return before

    assert kept.all(0, ["a"], overtaken) == {"a": None}
    assert kept.all(store.revision, ["a"], store.read) == {"a": "new"}


def test_it_ends_after_its_time_whatever_the_revision_says():
    store, kept = Store(), Kept(seconds=-1)
    kept.all(1, ["a"], store.read)
    kept.all(1, ["a"], store.read)
    assert store.reads == [["a"], ["a"]]
