"""What Slack's Web API tells about conversations and people."""

from __future__ import annotations

import base64
from contextlib import suppress
from decimal import Decimal

from adapters.playground.standins.slack_calls import Call
from adapters.playground.standins.slack_rules import Json
from adapters.playground.standins.slack_state import Channel, SlackError

HISTORY_MOST = 15
"""Messages a call gives: what is left to an app that is distributed outside the Marketplace."""
HISTORY_ASKED = 999
"""The greatest limit that may be asked for; fewer are given."""


def _scope(channel: Channel, may: str) -> str:
    return f"{'im' if channel.is_im else 'groups' if channel.private else 'channels'}:{may}"


def conversations_open(call: Call) -> Json:
    """The direct conversation with one person; there are no group messages here."""
    call.need("users")
    workspace, user = call.user(call.args["users"])
    if user.deleted:
        raise SlackError("user_disabled")
    return {"channel": {"id": workspace.im(user).id}}


def conversations_members(call: Call) -> Json:
    _, channel = call.channel()
    call.scope(_scope(channel, "read"))
    start, size = int(call.args.get("cursor") or 0), int(call.args.get("limit") or 100)
    members = sorted(channel.members)
    following = str(start + size) if start + size < len(members) else ""
    return {"members": members[start : start + size], "response_metadata": {"next_cursor": following}}


def conversations_history(call: Call) -> Json:
    """The newest first, without replies in threads."""
    workspace, channel = call.channel()
    call.scope(_scope(channel, "history"))
    if not call.inside(workspace, channel):
        raise SlackError("not_in_channel")
    oldest, before = _oldest(call), _cursor(call)
    found = [
        each
        for each in reversed(channel.messages)
        if each.thread_ts in (None, each.ts)
        and _micros(each.ts) > oldest
        and (before is None or _micros(each.ts) < before)
    ]
    page, metadata = found[: _limit(call)], call.flag("include_all_metadata")
    answer: Json = {"messages": [each.to_json(metadata) for each in page], "has_more": len(page) < len(found)}
    if answer["has_more"]:
        cursor = base64.b64encode(f"next_ts:{_micros(page[-1].ts)}".encode()).decode()
        answer["response_metadata"] = {"next_cursor": cursor}
    return answer


def _limit(call: Call) -> int:
    try:
        asked = int(call.args.get("limit") or HISTORY_MOST)
    except (TypeError, ValueError):
        raise SlackError("invalid_limit") from None
    if not 1 <= asked <= HISTORY_ASKED:
        raise SlackError("invalid_limit")
    return min(asked, HISTORY_MOST)


def _oldest(call: Call) -> int:
    try:
        return _micros(str(call.args.get("oldest") or 0))
    except ArithmeticError:
        raise SlackError("invalid_ts_oldest") from None


def _cursor(call: Call) -> int | None:
    """The time before which the next page begins."""
    if not call.args.get("cursor"):
        return None
    with suppress(ValueError):
        name, _, stamp = base64.b64decode(str(call.args["cursor"]), validate=True).decode().partition(":")
        if name == "next_ts":
            return int(stamp)
    raise SlackError("invalid_cursor")


def _micros(ts: str) -> int:
    """Microseconds since 1970."""
    return int(Decimal(ts) * 1_000_000)


def users_info(call: Call) -> Json:
    call.need("user")
    _, user = call.user(call.args["user"])
    return {"user": user.to_json(with_locale=call.flag("include_locale"))}
