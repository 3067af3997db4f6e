"""Parsing takes linear time: 100,000 characters of what is worst for regular expressions."""

import json
import time
from collections.abc import Callable

import pytest

from adapters.shared.router import parse_outside_dialog, route_text
from adapters.slack.message_text import is_addressed, message_words
from adapters.slack.request import BUTTON_VALUE
from adapters.teams.listeners import TEXT_RULES
from adapters.teams.message_text import typed_text
from adapters.teams.request import parse_request
from dialogs.community_flow import FLOW
from dialogs.session import Actor
from dialogs.text.parse import parse, parse_quick_check, warm_up

LENGTH = 100_000
MAX_SECONDS = 3
"""Parsing that is not linear takes minutes."""
WORST = ["a", "oui ", "non,", "mode=", "=", "é", "check ", "1 ", "’", " ", "\n", ",;", "agence ", "()", "-", "x=y "]
WORST += [
    "<@",
    "<@U|",
    "<@U|x",
    "</at",
    "<at ",
    "<blockquote>",
    "`",
    "```",
    "&gt;",
    "\n&gt;",
    "<!x",
    "<http:",
    "<p",
    "<!--",
    "<at>",
    "&amp;",
    "&",
    "\u202f",
    "0",
    ":-",
    "aab",
    "?",
    "check:",
]


def parse_teams_activity(text: str) -> None:
    """Parse a Teams message that mentions the app 3,000 times."""
    bot = {"id": "28:bot"}
    mention = {"type": "mention", "mentioned": bot, "text": text[:4]}
    body = {
        **{"type": "message", "id": "1", "channelId": "msteams", "serviceUrl": "https://x/", "text": text},
        **{"from": {"id": "29:a"}, "recipient": bot, "conversation": {"id": "c"}, "entities": [mention] * 3000},
    }
    parse_request(json.dumps(body).encode())


PARSERS: dict[str, Callable[[str], object]] = {
    "free text": lambda text: parse(text, FLOW, None),
    "an answer": lambda text: parse(text, FLOW, FLOW.questions[0]),
    "a quick check": lambda text: parse_quick_check(text, FLOW),
    "Slack text": lambda text: parse_outside_dialog(text, single_answer=True),
    "Slack message": message_words,
    "Slack mention": lambda text: is_addressed(text, "U1"),
    "Teams HTML": lambda text: typed_text("", {"attachments": [{"contentType": "text/html", "content": text}]}, "b"),
    "Slack button": lambda text: BUTTON_VALUE.fullmatch(f"card|{text}"),
    "Teams activity": parse_teams_activity,
    "Teams text": lambda text: route_text(text, Actor("t", "p", "fr"), running=False, rules=TEXT_RULES),
}


@pytest.mark.parametrize("parser", PARSERS)
def test_parsing_takes_linear_time(parser: str) -> None:
    warm_up(FLOW)
    for part in WORST:
        text = (part * (LENGTH // len(part) + 1))[:LENGTH]
        started = time.process_time()
        PARSERS[parser](text)
        assert time.process_time() - started < MAX_SECONDS, repr(part)
