"""Microsoft Teams. What needs Microsoft's SDK, half a second and 60 MB, is imported when it is asked for."""

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
