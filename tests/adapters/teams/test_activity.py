"""Hostile bodies are refused or read, and nothing else ever happens; mentions are taken out where they are, only."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.teams.activity import MalformedActivity, conversation_of, parse_activity, team_of, tenants_of
from adapters.teams.conversation import ConversationRef

GOOD = {
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
KEYS = st.sampled_from([*GOOD, "entities", "value", "text", "membersAdded", "locale", "action", "replyToId"])


def mention(text: str, who: str = "28:bot") -> dict:
    return {"type": "mention", "mentioned": {"id": who, "name": "x"}, "text": text}


@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_any_part_may_be_anything(change: dict) -> None:
    try:
        activity = parse_activity(json.dumps(GOOD | change).encode())
    except MalformedActivity:
        return
    assert isinstance(activity.text, str)
    found = conversation_of(activity)
    assert ConversationRef.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert all(isinstance(one, str) for one in tenants_of(activity))
    team_of(activity)


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    try:
        parse_activity(raw)
    except MalformedActivity:
        return


@given(JSON)
def test_any_stored_place(stored: object) -> None:
    found = ConversationRef.from_json(stored)
    assert found is None or found.conversation


@pytest.mark.parametrize(
    ("text", "entities", "said"),
    [
        ("<at>Advisor</at> check oui\n", [mention("<at>Advisor</at>")], "check oui"),
        ("ask Advisor about <at>Advisor</at>", [mention("<at>Advisor</at>")], "ask Advisor about"),
        ("<at>Advisor</at>", [mention("<at>Advisor</at>")], ""),
        ("<at>Ben</at> oui", [mention("<at>Ben</at>", "29:ben")], "Ben oui"),
        ("Advisor oui", [mention("")], "Advisor oui"),
        ("Advisor oui", None, "Advisor oui"),
        ("a&nbsp;b &amp; c", "garbage", "a b & c"),
        ("oui", [None, 5, {"type": "mention"}, {"type": "mention", "mentioned": [], "text": 5}], "oui"),
        (None, [mention("<at>Advisor</at>")], ""),
    ],
)
def test_our_mention_is_taken_out(text, entities, said: str) -> None:
    body = GOOD | {"text": text, "entities": entities}
    assert parse_activity(json.dumps(body).encode()).text == said


def test_a_place_knows_its_channel() -> None:
    found = conversation_of(parse_activity(json.dumps(GOOD).encode()))
    assert found.root.conversation == "19:c@thread.tacv2"
    assert found.shared
    assert found.at("9").link.startswith("https://teams.microsoft.com/l/message/19%3Ac%40thread.tacv2/9")
    assert team_of(parse_activity(json.dumps(GOOD).encode())) == ("19:team", "Marketing")


@pytest.mark.parametrize(
    ("conversation", "kind"),
    [({"id": "a:1"}, "personal"), ({"id": "19:x", "isGroup": True}, "groupChat")],
)
def test_the_kind_where_it_is_left_out(conversation: dict, kind: str) -> None:
    body = GOOD | {"conversation": conversation, "channelData": {}}
    assert conversation_of(parse_activity(json.dumps(body).encode())).kind == kind
