"""What all tests share; each part lives in a module of its own."""

pytest_plugins = ["shoal_clusters.controlplane.fixtures"]
