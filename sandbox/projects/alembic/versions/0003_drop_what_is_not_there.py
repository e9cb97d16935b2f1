"""drop what is not there"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.execute("ALTER TABLE bodies_of_alembic DROP COLUMN absent")
