"""Events are listed tenant by tenant, newest first: without sorting all that a tenant ever had."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_index("ix_livery_event_tenant_key", "livery_event", ["tenant", "key"])
