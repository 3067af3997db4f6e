"""The Teams adapter. Microsoft's SDK, which takes half a second and 60 MB, is imported with `TeamsAdapter` only."""

from typing import TYPE_CHECKING

from adapters.teams.settings import TeamsSettings

if TYPE_CHECKING:
    from adapters.teams.app import TeamsAdapter

__all__ = ["TeamsAdapter", "TeamsSettings"]


def __getattr__(name: str) -> object:
    if name == "TeamsAdapter":
        from adapters.teams.app import TeamsAdapter

        return TeamsAdapter
    raise AttributeError(name)
