"""What a person typed in Slack: words without mentions, quotations and Slack's markup."""

import html
import re
from collections.abc import Mapping
from typing import Any

# [^<>], not [^>]: quadratic in the number of "<" otherwise.
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^<>]*)?>")
_BROADCAST = re.compile(r"<![^<>]*>")
_CHANNEL = re.compile(r"<#[A-Z0-9]+(?:\|([^<>]*))?>")
_LINK = re.compile(r"<([a-z][a-z0-9+.-]*:[^<>|]*)(?:\|[^<>]*)?>")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_QUOTATION = re.compile(r"^&gt;&gt;&gt;.*|^&gt;[^\n]*", re.DOTALL | re.MULTILINE)


def words(text: str) -> str:
    """Return text without mentions of people, groups and everybody; links and channels as a reader sees them."""
    text = _BROADCAST.sub(" ", _MENTION.sub(" ", text))
    text = _LINK.sub(r" \1 ", _CHANNEL.sub(r" #\1 ", text))
    return html.unescape(text).replace("\u00a0", " ").strip()


def message_words(text: str) -> str:
    """Return the words of a message. What it quotes is not the person's."""
    return words(_QUOTATION.sub("", text))


def is_addressed(text: str, app: str | None) -> bool:
    """Return whether a message mentions the app to talk to it: not in code, nor in a quotation.

    `app`: the app's user id; None if it is not known, then any mention will do.
    """
    mentioned = _MENTION.findall(_CODE.sub(" ", _QUOTATION.sub("", text)))
    return bool(mentioned) if app is None else app in mentioned


def app_user(body: Mapping[str, Any]) -> str | None:
    """Return the user id of the app in the workspace that an event is from; None if the event does not tell."""
    authorizations = body.get("authorizations")
    for entry in authorizations if isinstance(authorizations, list) else ():
        if isinstance(entry, dict) and entry.get("is_bot") is True and isinstance(entry.get("user_id"), str):
            return str(entry["user_id"])
    return None
