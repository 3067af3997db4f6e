"""Any request body is read or rejected as malformed."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.teams.button_value import MAX_LENGTH
from adapters.teams.conversation import ConversationRef
from adapters.teams.request import MalformedActivity, parse_request

VALID = {
    "type": "message",
    "id": "1",
    "channelId": "msteams",
    "serviceUrl": "https://smba.trafficmanager.net/emea/",
    "from": {"id": "29:a", "name": "Anna"},
    "recipient": {"id": "28:bot", "name": "Advisor"},
    "conversation": {"id": "19:c@thread.tacv2;messageid=7", "conversationType": "channel", "tenantId": "t"},
    "channelData": {"tenant": {"id": "t"}, "team": {"id": "19:team", "name": "Marketing"}},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["message", "invoke", "conversationUpdate", "installationUpdate"])
KEYS = st.sampled_from([*VALID, "entities", "value", "text", "membersAdded", "locale", "action", "replyToId"])


def mention(text: str, id: str = "28:bot") -> dict:
    return {"type": "mention", "mentioned": {"id": id, "name": "x"}, "text": text}


def body(**changes: object) -> bytes:
    return json.dumps(VALID | changes).encode()


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({"localTimezone": "Europe/Paris"}, 1),
        ({"localTimezone": "America/New_York", "localTimestamp": "2026-11-22T10:00:00.1234567+01:00"}, -5),
        ({"localTimezone": "No/Where", "localTimestamp": "2026-11-22T10:00:00+01:00"}, 1),
        ({"localTimezone": "../etc/passwd"}, 0),
        ({"localTimezone": "Europe"}, 0),
        ({"localTimezone": "x" * 900}, 0),
        ({"localTimestamp": "soon"}, 0),
        ({}, 0),
    ],
)
def test_the_persons_time_zone(fields: dict[str, str], hours: int) -> None:
    zone = parse_request(body(**fields)).time_zone
    assert datetime(2026, 11, 22, tzinfo=UTC).astimezone(zone).utcoffset() == timedelta(hours=hours)


@given(TYPES, st.dictionaries(KEYS, JSON, max_size=4))
def test_any_value_in_any_field(activity_type: str, changes: dict) -> None:
    try:
        request = parse_request(body(**({"type": activity_type} | changes)))
    except MalformedActivity:
        return
    assert isinstance(request.text, str)
    assert ConversationRef.from_json(json.loads(json.dumps(request.ref.to_json()))) == request.ref
    assert all(isinstance(tenant, str) for tenant in request.tenants)


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    try:
        parse_request(raw)
    except MalformedActivity:
        return


@given(JSON)
def test_any_stored_reference(stored: object) -> None:
    ref = ConversationRef.from_json(stored)
    assert ref is None or ref.conversation


@given(st.dictionaries(st.sampled_from(["action", "session", "question", "option", "change", "revision"]), JSON))
def test_any_button_value(data: dict) -> None:
    value = {"action": {"data": data}}
    try:
        button = parse_request(body(type="invoke", name="adaptiveCard/action", value=value)).button
    except MalformedActivity:  # text that cannot be stored
        return
    assert button
    assert isinstance(button.revision, int)
    for text in (button.action, button.session, button.question, button.option):
        assert text is None or (len(text) <= MAX_LENGTH and text.isprintable())


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        ("<at>Advisor</at> check oui\n", [mention("<at>Advisor</at>")], "check oui"),
        ("ask Advisor about <at>Advisor</at>", [mention("<at>Advisor</at>")], "ask Advisor about"),
        ("<at>Advisor</at>", [mention("<at>Advisor</at>")], ""),
        ("<at>Ben</at> oui", [mention("<at>Ben</at>", "29:ben")], "oui"),
        ('<at>Advisor</at> check <at id="1">Ben Petit</at>', [mention("<at>Advisor</at>")], "check"),
        ("Advisor oui", [mention("")], "Advisor oui"),
        ("Advisor oui", None, "Advisor oui"),
        ("a&nbsp;b &amp; c", "garbage", "a b & c"),
        ("oui", [None, 5, {"type": "mention"}, {"type": "mention", "mentioned": [], "text": 5}], "oui"),
        (None, [mention("<at>Advisor</at>")], ""),
    ],
)
def test_mentions_are_no_words(text, entities, expected: str) -> None:
    assert parse_request(body(text=text, entities=entities)).text == expected


@pytest.mark.parametrize(
    ("html", "text", "expected"),
    [
        ("<p>oui &amp; non</p>", "", "oui & non"),
        ("<div>oui<br>non</div>", None, "oui non"),
        ('<p><span itemtype="http://schema.skype.com/Mention" itemid="0">CM Advisor</span> oui</p>', "", "oui"),
        ('<p><at id="0">CM Advisor</at> oui</p>', "", "oui"),
        ("<blockquote><b>Ben</b><p>non <blockquote>x</blockquote> y</p></blockquote><p>oui</p>", "Ben non oui", "oui"),
        ('<p>oui <img itemtype="http://schema.skype.com/Emoji" alt="👍"></p>', "", "oui 👍"),
        ("<p>5 &lt;at&gt; 3</p>", "", "5 <at> 3"),
        ("<p>non</p>", "oui", "oui"),
        ("<blockquote>oui", "", ""),
        ("<p", "", "<p"),
    ],
)
def test_words_in_the_html_only(html: str, text: str | None, expected: str) -> None:
    attachments = [{"contentType": "text/html", "content": html}]
    request = parse_request(body(text=text, attachments=attachments))
    assert (request.text, request.has_files) == (expected, False)


def test_files() -> None:
    file = {"contentType": "application/vnd.microsoft.teams.file.download.info", "name": "plan.pdf"}
    request = parse_request(body(attachments=[{"contentType": "text/html", "content": "<p></p>"}, file]))
    assert (request.text, request.has_files) == ("", True)


@given(st.text("<>/ab &;=\"'!-qt", max_size=60))
def test_any_html(html: str) -> None:
    parse_request(body(text="", attachments=[{"contentType": "text/html", "content": html}]))
    parse_request(body(text="", attachments=[{"contentType": "text/html", "content": f"<blockquote{html}"}]))


def test_channel_and_team() -> None:
    request = parse_request(body())
    assert request.ref.root.conversation == "19:c@thread.tacv2"
    assert request.ref.shared
    assert request.ref.at("9").link.startswith("https://teams.microsoft.com/l/message/19%3Ac%40thread.tacv2/9")
    for cloud in ("gov", "dod"):
        sovereign = replace(request.ref, service=f"https://smba.infra.{cloud}.teams.microsoft.us/teams/")
        assert sovereign.at("9").link.startswith(f"https://{cloud}.teams.microsoft.us/l/message/")
    gcc = replace(request.ref, service="https://smba.infra.gcc.teams.microsoft.com/teams/")
    assert gcc.at("9").link.startswith("https://teams.microsoft.com/l/message/")
    assert request.team == ("19:team", "Marketing")


@pytest.mark.parametrize(
    ("conversation", "kind"),
    [({"id": "a:1"}, "personal"), ({"id": "19:x", "isGroup": True}, "groupChat")],
)
def test_kind_of_conversation_when_it_is_missing(conversation: dict, kind: str) -> None:
    assert parse_request(body(conversation=conversation, channelData={})).ref.kind == kind


@pytest.mark.parametrize(
    ("changes", "installed"),
    [
        ({"type": "conversationUpdate", "membersAdded": [{"id": "29:b"}, {"id": "28:bot"}]}, True),
        ({"type": "conversationUpdate", "membersAdded": [{"id": "29:b"}]}, None),
        ({"type": "conversationUpdate", "membersRemoved": [{"id": "28:bot"}]}, False),
        ({"type": "conversationUpdate", "channelData": {"eventType": "teamDeleted"}}, False),
        ({"type": "installationUpdate", "action": "add"}, True),
        ({"type": "installationUpdate", "action": "remove"}, False),
        ({"type": "installationUpdate", "action": "add-upgrade"}, None),
        ({"type": "installationUpdate", "action": "remove-upgrade"}, None),
        ({"type": "message", "membersAdded": [{"id": "28:bot"}]}, None),
    ],
)
def test_installation_and_removal(changes: dict, installed: bool | None) -> None:
    assert parse_request(body(**changes)).installed is installed
