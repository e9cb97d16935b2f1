"""A real Docker host, ECR and database on the developer's machine."""

from sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
