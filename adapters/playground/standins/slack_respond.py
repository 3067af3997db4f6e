"""Response URLs, and the answers to commands: what they post, replace and delete."""

from __future__ import annotations

from typing import Any

from adapters.playground.standins.slack_calls import checked
from adapters.playground.standins.slack_state import (
    RESPONSE_URL_SECONDS,
    RESPONSE_URL_USES,
    Message,
    ResponseUrl,
    SlackError,
)
from adapters.playground.standins.slack_world import World


def respond(world: World, url_id: str, payload: Any) -> Message | None:
    """What a POST to a response URL does. Raises SlackError with the status and name Slack answers."""
    url = world.response_urls.get(url_id)
    if url is None or world.clock() - url.created > RESPONSE_URL_SECONDS:
        raise SlackError("expired_url", 404)
    if url.uses >= RESPONSE_URL_USES:
        raise SlackError("used_url", 404)
    message = say(world, url, payload)
    url.uses += 1
    return message


def say(world: World, url: ResponseUrl, payload: Any) -> Message | None:
    """Posts, replaces or deletes as a response URL's (or a command's) payload says."""
    if not isinstance(payload, dict):
        raise SlackError("invalid_payload", 400)
    original = url.original
    there = original is not None and not original.deleted
    if payload.get("delete_original") is True:
        if original and there:
            world.delete(original)
        return None
    try:
        text = checked(payload.get("text"), payload.get("blocks"))
    except SlackError as refused:
        raise SlackError(refused.name, 400) from None
    if payload.get("response_type", "ephemeral") != "ephemeral":
        raise SlackError("invalid_payload", 400)  # to post for everybody is unknown here
    if payload.get("replace_original") is True and original is not None:
        if there:
            world.change(original, text, payload.get("blocks"))
        return original
    bot = world.workspaces[url.channel.team_id].bot
    assert bot
    return world.post(url.channel, bot.id, text, payload.get("blocks"), ephemeral_to=url.user_id)
