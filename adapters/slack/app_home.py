"""The home tab: begin, the viewer's own latest checks, language, help, delete my data."""

from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext
from adapters.slack.context import Context
from adapters.slack.replies import check_blocks
from adapters.slack.request import IncomingRequest
from dialogs.session import Actor
from dialogs.translations import Translations, translations
from dialogs.views import Button

MARK = ButtonContext("home")
LATEST = 5


async def publish(context: Context, request: IncomingRequest, actor: Actor, note: str | None = None) -> None:
    """Draw the home tab of the person who acted, and of nobody else."""
    found = await context.application.list_checks(actor, LATEST)
    t = translations(actor.language)
    drawn = [
        *([block_kit.section(f">{block_kit.escape(note)}")] if note else []),
        block_kit.header(t("welcome.title")),
        block_kit.section(block_kit.escape(t("welcome.text"))),
        block_kit.actions([_button(t, "start", primary=True), _button(t, "open_form")], MARK),
        {"type": "divider"},
        block_kit.header(t("checks.title")),
        *(check_blocks(t, found, "home") or [block_kit.context(t("checks.none"))]),
        {"type": "divider"},
        block_kit.header(t("help.title")),
        *(block_kit.section(block_kit.escape(t(f"help.{part}"))) for part in ("answers", "commands", "quick")),
        block_kit.section(block_kit.escape(t("slack.help"))),
        {"type": "divider"},
        _about_me(t),
    ]
    view = {"type": "home", "blocks": drawn}
    await context.api.call(request.tenant, "views.publish", user_id=request.person, view=view)


def _about_me(t: Translations) -> block_kit.Block:
    row = block_kit.actions([_button(t, "language"), _button(t, "forget_confirm")], MARK)
    forget = row["elements"][1]
    forget["text"]["text"] = t("label.forget_me")
    forget["confirm"] = {
        "title": _plain(t("label.forget_me")),
        "text": _plain(t("forget.confirm")),
        "confirm": _plain(t("label.forget_confirm")),
        "deny": _plain(t("label.close")),
        "style": "danger",
    }
    return row


def _button(t: Translations, id: str, *, primary: bool = False) -> Button:
    return Button(id, t(f"label.{id}"), primary=primary)


def _plain(said: str) -> dict[str, str]:
    return {"type": "plain_text", "text": said}
