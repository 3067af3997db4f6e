"""Effects: what the application has to do after an event."""

from dataclasses import dataclass

from dialogs.views import Announcement, View


@dataclass(frozen=True, slots=True)
class Show:
    """Replace the dialog's card by this view."""

    view: View


@dataclass(frozen=True, slots=True)
class Notify:
    """Show this view privately to the person who sent the event."""

    view: View


@dataclass(frozen=True, slots=True)
class Post:
    """Post this once to `destination`. `key`: idempotency key of the post.

    It can appear twice only if a platform answers 5xx to a post that it did publish, and the worker cannot look for it.
    """

    view: Announcement
    destination: str
    key: str


@dataclass(frozen=True, slots=True)
class EditPost:
    """Edit the post in place, so that it shows what the session's publication holds. `destination`: where it is."""

    destination: str


@dataclass(frozen=True, slots=True)
class DeletePost:
    """Delete the post, or do not send it if it is not sent yet. `destination`: where it is."""

    destination: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Schedule the expiry of this session; it expires after a time without events."""

    session: str


Effect = Show | Notify | Post | EditPost | DeletePost | Schedule
