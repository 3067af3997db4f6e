"""A local page that plays Slack and Teams against the real endpoints."""
