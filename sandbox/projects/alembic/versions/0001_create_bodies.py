"""create bodies"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.execute("CREATE TABLE bodies_of_alembic (id int PRIMARY KEY)")
