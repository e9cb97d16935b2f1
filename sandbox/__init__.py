"""A real Docker host, ECR and database on the developer's machine."""
