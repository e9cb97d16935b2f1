"""name bodies"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute("ALTER TABLE bodies_of_alembic ADD COLUMN name text")
