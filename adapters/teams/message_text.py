"""What a person typed in Teams: words without mentions, quotations and tags."""

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser

MAX_TEXT_LENGTH = 8_000
MAX_ENTITIES = 100
MAX_ATTACHMENTS = 20
_HTML = "text/html"

# Without "<" in the sets, the time would grow with the square of the length.
_MENTION = re.compile(r"<at\b[^<>]*>[^<>]*</at>")
_TAG = re.compile(r"</?at\b[^<>]*>")
_BREAKS = frozenset({"br", "div", "li", "p", "tr"})
_VOID = frozenset({"br", "hr", "img", "input", "wbr"})


def typed_text(text: str, body: Mapping[str, object], bot: str) -> str:
    """Return the words of a message. `text`: its ``text``; `bot`: the account id of the bot.

    They are read from the HTML where the text is empty, or has a quotation that the plain text does not mark.
    """
    content = _html(body.get("attachments"))
    if content and (not text.strip() or "<blockquote" in content):
        reader = _Reader()
        reader.feed(content[: 2 * MAX_TEXT_LENGTH])
        reader.close()
        text = html.escape("".join(reader.parts))
    return _without_mentions(text, body.get("entities"), bot)[:MAX_TEXT_LENGTH]


def has_files(body: Mapping[str, object]) -> bool:
    """Return whether a message has an attachment besides its own text."""
    attachments = body.get("attachments")
    return isinstance(attachments, list) and any(
        isinstance(attachment, dict) and attachment.get("contentType") != _HTML for attachment in attachments
    )


def _html(attachments: object) -> str | None:
    for attachment in attachments[:MAX_ATTACHMENTS] if isinstance(attachments, list) else ():
        content = attachment.get("content") if isinstance(attachment, dict) else None
        if isinstance(content, str) and attachment.get("contentType") == _HTML:
            return content
    return None


def _without_mentions(text: str, entities: object, bot: str) -> str:
    """Remove all mentions. A name that is in the text without a mention stays."""
    text = text[: 2 * MAX_TEXT_LENGTH]
    for entity in entities[:MAX_ENTITIES] if isinstance(entities, list) else ():
        if not isinstance(entity, dict) or entity.get("type") != "mention":
            continue
        mentioned, shown = entity.get("mentioned"), entity.get("text")
        if isinstance(mentioned, dict) and mentioned.get("id") == bot and isinstance(shown, str) and shown:
            text = text.replace(shown, " ", 1)
    return " ".join(html.unescape(_TAG.sub(" ", _MENTION.sub(" ", text))).split())


class _Reader(HTMLParser):
    """Collects the text of HTML, without quotations and mentions. An emoji is its ``alt`` text."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._skipped: str | None = None
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped:
            self._depth += tag == self._skipped
            return
        values = dict(attrs)
        is_mention = tag == "at" or "Mention" in (values.get("itemtype") or "")
        if (is_mention or tag in {"blockquote", "script", "style"}) and tag not in _VOID:
            self._skipped, self._depth = tag, 1
        elif tag in _BREAKS:
            self.parts.append("\n")
        elif tag in {"img", "emoji"}:
            self.parts.append(f" {values.get('alt') or ''} ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipped:
            self._depth -= 1
            if not self._depth:
                self._skipped = None
                self.parts.append(" ")
        elif tag in _BREAKS and not self._skipped:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.parts.append(data)
