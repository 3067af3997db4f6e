"""Nothing that is read takes longer than its length deserves: 100,000 characters of whatever a pattern likes least."""

import json
import time
from collections.abc import Callable

import pytest

from adapters.shared.router import parse_outside_dialog
from adapters.slack import button_value
from adapters.slack import listeners as slack_listeners
from adapters.teams.listeners import QUICK_CHECK
from adapters.teams.request import parse_request
from dialogs.community_flow import FLOW
from dialogs.text.parse import parse, parse_quick_check, warm_up

LONG = 100_000
LIKED_LEAST = [
    "a",
    "oui ",
    "non,",
    "mode=",
    "=",
    "é",
    "check ",
    "1 ",
    "’",
    " ",
    "\n",
    ",;",
    "agence ",
    "()",
    "-",
    "x=y ",
]
LIKED_LEAST += ["<@", "<@U|", "<@U|x", "</at", "<at ", "<at>", "&amp;", "&", "\u202f", "0", ":-", "aab", "?", "check:"]


def activity(said: str) -> None:
    """Read it as Teams' words, with a mention of us in as many entities as fit."""
    who = {"id": "28:bot"}
    mention = {"type": "mention", "mentioned": who, "text": said[:4]}
    body = {
        **{"type": "message", "id": "1", "channelId": "msteams", "serviceUrl": "https://x/", "text": said},
        **{"from": {"id": "29:a"}, "recipient": who, "conversation": {"id": "c"}, "entities": [mention] * 3000},
    }
    parse_request(json.dumps(body).encode())


READERS: dict[str, Callable[[str], object]] = {
    "read": lambda said: parse(said, FLOW, None),
    "read an answer": lambda said: parse(said, FLOW, FLOW.questions[0]),
    "read a company": lambda said: parse_quick_check(said, FLOW),
    "slack's words": lambda said: parse_outside_dialog(said, single_answer=True),
    "slack's mention": lambda said: slack_listeners.MENTION.sub(" ", said),
    "slack's button": lambda said: button_value._VALUE.fullmatch(f"card|{said}"),
    "teams' activity": activity,
    "teams' check": QUICK_CHECK.match,
}


@pytest.mark.parametrize("reader", READERS)
def test_reading_takes_no_time(reader: str) -> None:
    warm_up(FLOW)
    for part in LIKED_LEAST:
        said = (part * (LONG // len(part) + 1))[:LONG]
        began = time.process_time()
        READERS[reader](said)
        assert time.process_time() - began < 3, repr(part)  # what is not linear takes minutes
