"""Slack: events, commands and presses become events of the core; its views become Block Kit."""

from adapters.slack.adapter import SlackAdapter
from adapters.slack.settings import SCOPES, SlackSettings

__all__ = ["SCOPES", "SlackAdapter", "SlackSettings"]
