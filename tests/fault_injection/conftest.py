"""The same databases."""

from tests.bot.conftest import postgres, url

__all__ = ["postgres", "url"]
