"""What the flow needs from outside, declared by who uses it: a clock, a store (the ledger), an execution engine.

The ledger decides, the engine wakes. The ledger's delivery and attempt rows are the truth; the
execution engine only carries "this work is due" and calls back, on whatever machine.
"""

from livery.ports.execution import (
    FAIR,
    IN_HOST_TX,
    PLAN,
    TAKEOVER,
    Again,
    Dead,
    Depth,
    Done,
    Execution,
    Load,
    Verdict,
    Wake,
    Work,
)
from livery.ports.store import Store, TenantStore
from livery.ports.values import (
    Breaker,
    Claim,
    Intervention,
    Learn,
    Now,
    Plan,
    Query,
    Receipt,
    Settled,
    Settlement,
    StoredEvent,
    Suppress,
    Waiting,
    nobody_suppressed,
    nothing_learnt,
    utc_now,
)

__all__ = [
    "FAIR",
    "IN_HOST_TX",
    "PLAN",
    "TAKEOVER",
    "Again",
    "Breaker",
    "Claim",
    "Dead",
    "Depth",
    "Done",
    "Execution",
    "Intervention",
    "Learn",
    "Load",
    "Now",
    "Plan",
    "Query",
    "Receipt",
    "Settled",
    "Settlement",
    "Store",
    "StoredEvent",
    "Suppress",
    "TenantStore",
    "Verdict",
    "Waiting",
    "Wake",
    "Work",
    "nobody_suppressed",
    "nothing_learnt",
    "utc_now",
]
