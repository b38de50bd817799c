"""Walking a plan: what is skipped, resumed, recorded and shown."""
