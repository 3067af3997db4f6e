"""Whoever asks more than anybody can mean is told so, kindly, and at no cost: no query, no look-up of a language."""

from slack_bolt.context.ack.async_ack import AsyncAck

from adapters.ports import Decision
from adapters.slack import block_kit
from adapters.slack.button_value import ButtonContext
from adapters.slack.context import Context
from adapters.slack.request import IncomingRequest, get_object, get_text
from dialogs.translations import DEFAULT_LANGUAGE, languages, translations

ID = "notice.too_fast"


async def is_allowed(context: Context, request: IncomingRequest, ack: AsyncAck) -> bool:
    """Return whether the event is let in; where it is not, it is acknowledged, and answered with a word if due."""
    if not request.person or get_object(request.body, "event").get("bot_id"):
        return True  # nobody's; or what we said ourselves, told back to us
    admission = context.application.check_rate_limit(request.tenant, request.person)
    if admission is Decision.ALLOW:
        return True
    said = _said(context, request)
    view = get_object(request.body, "view")
    if get_text(request.body, "type") == "view_submission":
        # An acknowledgement alone would close the form, and what is in it would be gone.
        await ack(response_action="errors", errors={_first_input(view): said})
    elif admission is Decision.DROP:
        await ack()
    elif get_text(request.body, "command"):
        await ack(response_type="ephemeral", text=block_kit.escape(said))
    else:
        await ack()
        if not view:  # on the home tab and in a form there is no place for a word
            context.later(
                context.say(
                    request,
                    block_kit.words_only(said, ButtonContext("notice")),
                    context.spoken(request) or DEFAULT_LANGUAGE,
                )
            )
    return False


def _said(context: Context, request: IncomingRequest) -> str:
    known = context.spoken(request)
    return "\n".join(translations(language)(ID) for language in ([known] if known else languages()))


def _first_input(view: object) -> str:
    drawn = view.get("blocks") if isinstance(view, dict) else None
    listed = [each for each in drawn if isinstance(each, dict)] if isinstance(drawn, list) else []
    return next((get_text(each, "block_id") for each in listed if each.get("type") == "input"), "")
