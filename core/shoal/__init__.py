"""Shoal: a multi-cluster GitOps federation controller with plugins."""

__version__ = "0.1.0"
