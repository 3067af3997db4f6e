"""A strict local simulator of Slack's servers."""
