"""Shoal: a multi-cluster GitOps federation controller with plugins."""
