"""Migration tools, the check for pending migrations, and running them."""
