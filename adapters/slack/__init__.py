"""The Slack adapter: requests become events of the core, and its views become Block Kit messages."""

from adapters.slack.app import SlackAdapter
from adapters.slack.settings import OPTIONAL_SCOPES, SCOPES, SlackSettings

__all__ = ["OPTIONAL_SCOPES", "SCOPES", "SlackAdapter", "SlackSettings"]
