"""Stencils that machines share: what one has compiled, the others take. A help and never a need: it raises nothing."""

import logging

from sqlalchemy import delete, func, select

from livery.errors import StoreError
from livery.ports import Now
from livery.storage import schema_packs
from livery.storage.database import micros, told, upsert
from livery.storage.ledger import Ledger

log = logging.getLogger("livery.storage")
_TABLE = schema_packs.stencil
_MOST, _SWEEP_EVERY = 20_000, 200
"""How many are kept, and after how many of its own a process takes the oldest of more away."""


class StencilTable:
    """`livery.stencils.shelf.Shared` in the ledger's database."""

    def __init__(self, ledger: Ledger, *, now: Now, most: int = _MOST) -> None:
        self._ledger, self._now, self._most = ledger, now, most
        self._put = 0

    def get(self, name: str, most: int) -> tuple[str, bytes] | None:
        wanted = select(_TABLE.c.seal, _TABLE.c.body).where(_TABLE.c.name == name, func.length(_TABLE.c.body) <= most)
        try:
            with told(), self._ledger.engine.connect() as connection:
                row = connection.execute(wanted).first()
        except StoreError as error:
            log.info("compiled packs of other machines cannot be looked for: %s", error)
            return None
        return (str(row.seal), bytes(row.body)) if row else None

    def put(self, name: str, seal: str, body: bytes) -> None:
        values = {"seal": seal, "body": body, "made_at": micros(self._now())}
        try:
            with self._ledger.transaction() as tx:
                statement = upsert(tx, _TABLE).values(name=name, **values)
                tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
                self._put += 1
                if self._put % _SWEEP_EVERY == 1:
                    newest = select(_TABLE.c.name).order_by(_TABLE.c.made_at.desc()).limit(self._most)
                    tx.execute(delete(_TABLE).where(_TABLE.c.name.not_in(newest)))
        except StoreError as error:
            log.info("a compiled pack cannot be kept for other machines: %s", error)
