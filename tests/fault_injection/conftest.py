"""The databases of the tests of the application."""

from tests.bot.conftest import postgres, url

__all__ = ["postgres", "url"]
