"""The directory: organisations, contacts, users and their roles; and why an event waits for one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("livery_event", sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    op.add_column("livery_event", sa.Column("waits_for", sa.Text))
    op.create_table(
        "livery_organization",
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("customer", sa.String(200), nullable=False),
        sa.Column("name", sa.String(400), nullable=False),
        sa.Column("locale", sa.String(85), nullable=False),
        sa.Column("active", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer", name="pk_livery_organization"),
    )
    op.create_table(
        "livery_contact",
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("customer", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("name", sa.String(400), nullable=False),
        sa.Column("email", sa.String(1000), nullable=False),
        sa.Column("locale", sa.String(85), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer", "kind", name="pk_livery_contact"),
    )
    op.create_table(
        "livery_user",
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("customer", sa.String(200), nullable=False),
        sa.Column("name", sa.String(400), nullable=False),
        sa.Column("email", sa.String(1000), nullable=False),
        sa.Column("locale", sa.String(85), nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("active", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_livery_user"),
    )
    op.create_index("ix_livery_user_tenant_customer", "livery_user", ["tenant", "customer"])
    op.create_table(
        "livery_user_role",
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("customer", sa.String(200), nullable=False),
        sa.Column("role", sa.String(60), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "customer", "role", "user", name="pk_livery_user_role"),
    )
    op.create_index("ix_livery_user_role_user", "livery_user_role", ["tenant", "user"])
