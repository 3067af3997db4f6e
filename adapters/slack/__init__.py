"""Slack: events, commands and presses become events of the core; its views become Block Kit."""

from adapters.slack.app import SlackAdapter
from adapters.slack.settings import OPTIONAL_SCOPES, SCOPES, SlackSettings

__all__ = ["OPTIONAL_SCOPES", "SCOPES", "SlackAdapter", "SlackSettings"]
