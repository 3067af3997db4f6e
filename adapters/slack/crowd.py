"""Whoever asks more than anybody can mean is told so, kindly, and at no cost: no query, no look-up of a language."""

from slack_bolt.context.ack.async_ack import AsyncAck

from adapters.ports import Admission
from adapters.slack import blocks
from adapters.slack.desk import Desk
from adapters.slack.hearing import Heard, part, text
from adapters.slack.press import Mark
from dialogs.words import DEFAULT_LANGUAGE, languages, words

ID = "notice.too_fast"


async def admitted(desk: Desk, heard: Heard, ack: AsyncAck) -> bool:
    """Return whether the event is let in; where it is not, it is acknowledged, and answered with a word if due."""
    if not heard.person or part(heard.body, "event").get("bot_id"):
        return True  # nobody's; or what we said ourselves, told back to us
    admission = desk.advisor.admits(heard.tenant, heard.person)
    if admission is Admission.LET_IN:
        return True
    said = _said(desk, heard)
    view = part(heard.body, "view")
    if text(heard.body, "type") == "view_submission":
        # An acknowledgement alone would close the form, and what is in it would be gone.
        await ack(response_action="errors", errors={_first_input(view): said})
    elif admission is Admission.IGNORED:
        await ack()
    elif text(heard.body, "command"):
        await ack(response_type="ephemeral", text=blocks.escape(said))
    else:
        await ack()
        if not view:  # on the home tab and in a form there is no place for a word
            desk.later(desk.say(heard, blocks.words_only(said, Mark("notice")), desk.spoken(heard) or DEFAULT_LANGUAGE))
    return False


def _said(desk: Desk, heard: Heard) -> str:
    known = desk.spoken(heard)
    return "\n".join(words(language).text(ID) for language in ([known] if known else languages()))


def _first_input(view: object) -> str:
    drawn = view.get("blocks") if isinstance(view, dict) else None
    listed = [each for each in drawn if isinstance(each, dict)] if isinstance(drawn, list) else []
    return next((text(each, "block_id") for each in listed if each.get("type") == "input"), "")
