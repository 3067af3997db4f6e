"""Effects: what the application has to do after an event."""

from dataclasses import dataclass

from dialogs.views import Announcement, View


@dataclass(frozen=True, slots=True)
class Show:
    """Show this in the place of the dialog's card."""

    view: View


@dataclass(frozen=True, slots=True)
class Notify:
    """Show this to the person who acted, and to nobody else."""

    view: View


@dataclass(frozen=True, slots=True)
class Post:
    """Post this to `destination` exactly once. `key`: the same for the same post."""

    view: Announcement
    destination: str
    key: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """See to it that the dialog expires when nobody goes on with it."""

    session: str


Effect = Show | Notify | Post | Schedule
