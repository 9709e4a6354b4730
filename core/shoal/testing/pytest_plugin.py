"""The pytest plugin that every installation of Shoal brings, for authors of plugins.

pytest loads it by entry point in every project where Shoal is installed, so it must stay cheap to
import and define nothing that runs by itself. Fixtures for real API servers are not here but in
`shoal_clusters.controlplane.fixtures`, to be named in `pytest_plugins`: they bring a hook.
"""
