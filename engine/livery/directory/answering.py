"""Answering: all selectors of one event at once, from the host's directory, Livery's own, and livery.toml."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from livery.directory import selectors
from livery.directory.ports import DirectoryStore, FoundRow
from livery.directory.selectors import KINDS, Ask, Key, Place, Wanted
from livery.kept import Kept
from livery.models.audience import Recipient
from livery.models.directory import Found
from livery.models.event import Event
from livery.models.tenant import Chain

MOST_PEOPLE = 500
"""How many people one selector may stand for."""
AskHost = Callable[[Sequence[str], Event, Chain], Mapping[str, Sequence[Recipient]]]
_AT_ONCE = 200
_Known = Mapping[Key, Sequence[FoundRow]]


class Answers:
    """Answers selectors. Safe from any thread.

    Args:
        store: gives Livery's own directory, or None as long as there is no store.
        host: asks the host's own directory; selectors it does not know are not in what it returns.

    """

    def __init__(self, store: Callable[[], DirectoryStore | None], host: AskHost) -> None:
        self._store, self._host = store, host
        self._kept = Kept[Key, Sequence[FoundRow]]()

    def expect(self, asked: Iterable[tuple[Sequence[str], Event, Chain]]) -> Sequence[FoundRow]:
        """Read what many events will ask for by few queries; everybody whom the store knows for them.

        The host's directory is not asked here, and a selector it answers may be read in vain.
        """
        store, keys = self._store(), dict[Key, None]()
        for these, event, chain in asked if store else ():
            read = (selectors.read(one) for one in these if not one.startswith("address:"))
            wanted = [(one, selectors.places(one, event, chain)) for one in read if isinstance(one, Wanted)]
            keys |= dict.fromkeys(selectors.keys(wanted, event))
        return [row for rows in self._of_store(keys).values() for row in rows]

    def all(self, asked: Iterable[str], event: Event, chain: Chain) -> dict[str, Found]:
        """Who each selector stands for, or why nobody.

        The host is asked first. What it does not know, Livery's own directory answers, by one query for all of
        them; then the contacts in livery.toml, and the event for its user.

        Raises:
            DirectoryUnavailable: the host's directory did not answer now.

        """
        every = list(dict.fromkeys(one for one in asked if not one.startswith("address:")))
        answers = {one: _of_host(people) for one, people in self._host(every, event, chain).items() if one in every}
        wanted: list[tuple[str, Wanted, list[Place]]] = []
        for one in every:
            if one in answers:
                continue
            what = selectors.read(one)
            if isinstance(what, str):
                answers[one] = Found(why=what)
            else:
                wanted.append((one, what, selectors.places(what, event, chain)))
        known = self._of_store(selectors.keys([(what, places) for _, what, places in wanted], event))
        for one, what, places in wanted:
            answers[one] = _answer(what, places, event, chain, known)
        return answers

    def _of_store(self, keys: Iterable[Key]) -> _Known:
        """What the store knows, which is kept in memory for as long as nobody changes anything in it."""
        store, asked = self._store(), list(keys)
        if store is None or not asked:
            return {}

        def read(missing: list[Key]) -> _Known:
            found: dict[Key, list[FoundRow]] = {key: [] for key in missing}
            for some in _queries(missing):
                for row in store.find(Ask.of(some)):
                    found[row.what, row.tenant, row.customer, row.key].append(row)
            return found

        return self._kept.all(store.revision(), asked, read)


def _queries(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """What is asked at once: all that one event wants, or as much of one kind as makes a good query."""
    kinds = [keys] if len(keys) <= _AT_ONCE else [[one for one in keys if one[0] == kind] for kind in KINDS]
    for mine in kinds:
        yield from (mine[start : start + _AT_ONCE] for start in range(0, len(mine), _AT_ONCE))


def _of_host(people: Sequence[Recipient]) -> Found:
    left = f"it stands for more than {MOST_PEOPLE} people; the first {MOST_PEOPLE} are told"
    return Found(
        people=tuple(people[:MOST_PEOPLE]),
        why="the host's directory knows nobody for it",
        left_out=(("", left),) if len(people) > MOST_PEOPLE else (),
    )


def _answer(wanted: Wanted, places: Sequence[Place], event: Event, chain: Chain, known: _Known) -> Found:
    if wanted.what == "event_user":
        return _event_user(places, event, known)
    for place in places:
        rows = known.get((KINDS[wanted.what], place.tenant, place.customer, wanted.name))
        if rows:
            return _people(rows, place)
        if wanted.what == "contact" and not place.customer:
            configured = next((one for one in chain if one.id == place.tenant), chain[-1]).contacts.get(wanted.name)
            if configured is not None:
                person = Recipient(
                    address=configured.email, name=configured.name, locale=configured.locale, side=place.side
                )
                return Found(people=(person,))
    return _nobody(wanted)


def _people(rows: Sequence[FoundRow], place: Place) -> Found:
    people, left_out = [], []
    for row in rows[:MOST_PEOPLE]:
        who = row.email or row.id
        if not row.organization_active:
            left_out.append((who, "the organisation is not active"))
        elif not row.active:
            left_out.append((who, "the user is not active"))
        elif not row.email:
            left_out.append((who, "the user has no e-mail address"))
        else:
            people.append(Recipient(address=row.email, name=row.name, locale=row.locale or None, side=place.side))
    if len(rows) > MOST_PEOPLE:
        left_out.append(("", f"it stands for more than {MOST_PEOPLE} people; the first {MOST_PEOPLE} are told"))
    return Found(people=tuple(people), left_out=tuple(left_out))


def _event_user(places: Sequence[Place], event: Event, known: _Known) -> Found:
    """The event's own word counts; the directory fills in an address or a language the event does not give."""
    user = event.data.user
    if user is None:
        return Found(why="the event names no user")
    rows = (known.get(("user", place.tenant, place.customer, user.id), ()) for place in places)
    row = next((found[0] for found in rows if found), None)
    if user.email:
        locale = user.locale or (row.locale if row else "") or None
        return Found(people=(Recipient(address=user.email, name=user.name, locale=locale),))
    if row is None or not row.email:
        return Found(why="the user has no e-mail address")
    if not (row.active and row.organization_active):
        return Found(left_out=((row.email, "the user is not active"),))
    name, locale = user.name or row.name, user.locale or row.locale or None
    return Found(people=(Recipient(address=row.email, name=name, locale=locale),))


@lru_cache(maxsize=4096)
def _nobody(wanted: Wanted) -> Found:
    if wanted.what == "contact":
        return Found(why=f"no {wanted.of} {wanted.name} contact is configured")
    if wanted.what == "role":
        return Found(why=f"no user of the {wanted.of} has the role {wanted.name}")
    return Found(why="no such user is in the directory")
