"""The home tab: begin, the viewer's own latest checks, language, help, delete my data."""

from adapters.slack import blocks
from adapters.slack.desk import Desk
from adapters.slack.hearing import Heard
from adapters.slack.press import Mark
from adapters.slack.replies import check_blocks
from dialogs.session import Actor
from dialogs.views import Button
from dialogs.words import Words, words

MARK = Mark("home")
LATEST = 5


async def publish(desk: Desk, heard: Heard, actor: Actor, note: str | None = None) -> None:
    """Draw the home tab of the person who acted, and of nobody else."""
    found = await desk.advisor.checks(actor, LATEST)
    text = words(actor.language)
    drawn = [
        *([blocks.section(f">{blocks.escape(note)}")] if note else []),
        blocks.header(text.text("welcome.title")),
        blocks.section(blocks.escape(text.text("welcome.text"))),
        blocks.actions([_button(text, "start", primary=True), _button(text, "open_form")], MARK),
        {"type": "divider"},
        blocks.header(text.text("checks.title")),
        *(check_blocks(text, found, "home") or [blocks.context(text.text("checks.none"))]),
        {"type": "divider"},
        blocks.header(text.text("help.title")),
        *(blocks.section(blocks.escape(text.text(f"help.{part}"))) for part in ("answers", "commands", "quick")),
        blocks.section(blocks.escape(text.text("slack.help"))),
        {"type": "divider"},
        _about_me(text),
    ]
    view = {"type": "home", "blocks": drawn}
    await desk.api.call(heard.tenant, "views.publish", user_id=heard.person, view=view)


def _about_me(text: Words) -> blocks.Block:
    row = blocks.actions([_button(text, "language"), _button(text, "forget_confirm")], MARK)
    forget = row["elements"][1]
    forget["text"]["text"] = text.text("label.forget_me")
    forget["confirm"] = {
        "title": _plain(text.text("label.forget_me")),
        "text": _plain(text.text("forget.confirm")),
        "confirm": _plain(text.text("label.forget_confirm")),
        "deny": _plain(text.text("label.close")),
        "style": "danger",
    }
    return row


def _button(text: Words, id: str, *, primary: bool = False) -> Button:
    return Button(id, text.text(f"label.{id}"), primary=primary)


def _plain(said: str) -> dict[str, str]:
    return {"type": "plain_text", "text": said}
