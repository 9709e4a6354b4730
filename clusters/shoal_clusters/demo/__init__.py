"""The demo: local clusters, a sample fleet behind a real Git server, and a tour through both."""
