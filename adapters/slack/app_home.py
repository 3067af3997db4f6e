"""The home tab: start, the person's latest checks, help, language, delete my data."""

from adapters.slack import cards
from adapters.slack.block_kit import Block, actions, divider, escape, header, plain_text, section
from adapters.slack.block_kit import context as context_block
from adapters.slack.button_value import ButtonContext
from adapters.slack.context import Context
from adapters.slack.request import IncomingRequest
from dialogs.session import Actor
from dialogs.translations import Translations, translations
from dialogs.views import Button

HOME = ButtonContext("home")
MAX_CHECKS = 5


async def publish(context: Context, request: IncomingRequest, actor: Actor, note: str | None = None) -> None:
    """Publish the home tab of the person who acted, with a note above it."""
    checks = await context.application.list_checks(actor, MAX_CHECKS)
    t = translations(actor.language)
    blocks = [
        *([section(f">{escape(note)}")] if note else []),
        header(t("welcome.title")),
        section(escape(t("welcome.text"))),
        actions([_button(t, "start", primary=True), _button(t, "open_form")], HOME),
        divider(),
        header(t("checks.title")),
        *(cards.check_sections(t, checks, "home") or [context_block(t("checks.none"))]),
        divider(),
        header(t("help.title")),
        *(section(escape(t(f"help.{part}"))) for part in ("answers", "commands", "quick")),
        section(escape(t("slack.help"))),
        divider(),
        _settings(t),
    ]
    await context.api.call_again(
        request.installation, "views.publish", user_id=request.person, view={"type": "home", "blocks": blocks}
    )


def _settings(t: Translations) -> Block:
    row = actions([_button(t, "language"), _button(t, "forget_confirm")], HOME)
    forget = row["elements"][1]
    forget["text"]["text"] = t("label.forget_me")
    forget["confirm"] = {
        "title": plain_text(t("label.forget_me")),
        "text": plain_text(t("forget.confirm")),
        "confirm": plain_text(t("label.forget_confirm")),
        "deny": plain_text(t("label.close")),
        "style": "danger",
    }
    return row


def _button(t: Translations, action: str, *, primary: bool = False) -> Button:
    return Button(action, t(f"label.{action}"), primary=primary)
