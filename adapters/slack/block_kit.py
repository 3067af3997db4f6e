"""Block Kit elements. Lengths are cut to Slack's limits."""

from collections.abc import Iterable, Sequence
from typing import Any

from adapters.slack.button_value import ButtonContext, encode_buttons
from dialogs.views import Button

Block = dict[str, Any]
Message = dict[str, Any]
"""``text`` and ``blocks``, as all methods that send a message take them."""

MAX_SECTION_LENGTH = 2900
"""Slack allows 3,000 characters."""
MAX_CONTEXT_LENGTH = 2000
MAX_HEADER_LENGTH = 150
MAX_LABEL_LENGTH = 75
DANGER_ACTIONS = frozenset({"forget_confirm"})
FORWARD_ACTIONS = frozenset(
    {"post", "keep_private", "continue", "start", "run_own", "new_check", "retry_post", "details"}
)
"""Buttons that go forward. All others are in a second row."""


def escape(text: str) -> str:
    """Return `text` for mrkdwn, so that Slack shows it and acts on nothing in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain_text(text: str) -> Block:
    """Return a plain-text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    """Return a mrkdwn object. `text` is already escaped."""
    return {"type": "mrkdwn", "text": text}


def header(text: str) -> Block:
    """Return a header block."""
    return {"type": "header", "text": plain_text(text[:MAX_HEADER_LENGTH])}


def section(text: str) -> Block:
    """Return a section block. `text`: mrkdwn, at most 3,000 characters."""
    return {"type": "section", "text": mrkdwn(text)}


def sections(text: str) -> list[Block]:
    """Return mrkdwn as section blocks, split at line ends where it is too long for one."""
    blocks = []
    part = ""
    for line in text.split("\n"):
        if part and len(part) + 1 + len(line) > MAX_SECTION_LENGTH:
            blocks.append(section(part))
            part = ""
        part = f"{part}\n{line}" if part else line[:MAX_SECTION_LENGTH]
    return [*blocks, section(part)] if part else blocks


def context(text: str) -> Block:
    """Return a context block: small gray text. Escapes `text`."""
    return context_of(escape(text)[:MAX_CONTEXT_LENGTH])


def context_of(*texts: str) -> Block:
    """Return a context block of mrkdwn texts, which are already escaped."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def divider() -> Block:
    """Return a divider block."""
    return {"type": "divider"}


def button(view: Button, button_context: ButtonContext) -> Block:
    """Return one button element, for a section's accessory."""
    [(action_id, value)] = encode_buttons([view], button_context)
    return _button(view, action_id, value)


def actions(buttons: Sequence[Button], button_context: ButtonContext) -> Block:
    """Return an actions block: a row of buttons."""
    encoded = encode_buttons(buttons, button_context)
    return {"type": "actions", "elements": [_button(view, *ids) for view, ids in zip(buttons, encoded, strict=True)]}


def button_rows(buttons: Iterable[Button], button_context: ButtonContext) -> list[Block]:
    """Return a row of the buttons that go forward and a row of the others."""
    buttons = tuple(buttons)
    forward = [view for view in buttons if view.action in FORWARD_ACTIONS or view.question]
    others = [view for view in buttons if view not in forward]
    return [actions(row, button_context) for row in (forward, others) if row]


def _button(view: Button, action_id: str, value: str) -> Block:
    element: Block = {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": view.label[:MAX_LABEL_LENGTH]},
        "value": value,
    }
    if view.primary:
        element["style"] = "primary"
    elif view.action in DANGER_ACTIONS:
        element["style"] = "danger"
    return element
