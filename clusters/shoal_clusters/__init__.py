"""Everything in Shoal that speaks to a Kubernetes API server, and local ones to speak to."""
