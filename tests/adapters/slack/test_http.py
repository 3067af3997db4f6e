"""The door and the values of buttons, against whatever somebody may send."""

import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.playground.slack.payloads import signature
from adapters.slack.button_value import ButtonContext, decode_answers, encode_answers, encode_value, parse_button
from adapters.slack.http import HttpError, has_slack_shape, parse_body, verify_signature
from adapters.slack.request import MalformedRequest, candidate_tenants, read_request
from dialogs.community_flow import FLOW
from dialogs.views import Button

NAMES = st.sampled_from(
    [
        *("type", "event", "team", "team_id", "user", "view", "actions", "container", "channel", "authorizations"),
        *("enterprise", "message", "state", "values", "response_url", "trigger_id", "callback_id", "event_id", "id"),
        *("ts", "action_ts"),
    ]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
IDS = st.text("abcXYZ019_-", max_size=20)


@given(st.dictionaries(NAMES, JSON, max_size=8))
def test_reading_a_delivery_raises_nothing_but_bad_shape(body: dict[str, Any]) -> None:
    if not has_slack_shape(body):
        return
    try:
        list(candidate_tenants(body))
        _ = read_request(body, "slack:T1").occurred_at
    except MalformedRequest:
        pass


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"event": {"ts": "1790000000.000100"}}, True),
        ({"actions": [{"action_ts": "1790000000.000100"}]}, True),
        ({"action_ts": "1790000000.000100"}, True),
        ({"command": "/cm"}, False),
        ({"actions": []}, False),
        ({"event": {"ts": "1e9"}}, False),
        ({"event": {"ts": "99999999999999.1"}}, False),
    ],
)
def test_when_it_happened(body: dict[str, Any], told: bool) -> None:
    happened = read_request(body, "slack:T1").occurred_at
    assert happened == (datetime(2026, 9, 21, 14, 13, 20, 100, UTC) if told else None)


@given(st.binary(max_size=300), st.sampled_from(["application/json", "application/x-www-form-urlencoded", ""]))
def test_parsing_raises_nothing_but_a_refusal(raw: bytes, kind: str) -> None:
    try:
        found = parse_body(raw, kind)
    except HttpError:
        return
    assert isinstance(found, dict)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=3), st.binary(max_size=50))
def test_no_made_up_headers_get_in(headers: dict[str, str], raw: bytes) -> None:
    names = {
        "X-Slack-Request-Timestamp": headers.get("a", str(int(time.time()))),
        "X-Slack-Signature": headers.get("b", ""),
    }
    with pytest.raises(HttpError) as refused:
        verify_signature(b"secret", names, raw, time.time())
    assert refused.value.status == 401


def test_a_true_signature_gets_in_for_five_minutes() -> None:
    now, raw = 1_800_000_000, b"{}"
    headers = {"X-Slack-Request-Timestamp": str(now), "X-Slack-Signature": signature("secret", str(now), raw)}
    verify_signature(b"secret", headers, raw, now + 299.0)
    for late in (now + 301.0, now - 301.0):
        with pytest.raises(HttpError):
            verify_signature(b"secret", headers, raw, late)


def test_a_form_and_json_are_both_read() -> None:
    assert (
        parse_body(urlencode({"payload": json.dumps({"type": "block_actions"})}).encode(), "")["type"]
        == "block_actions"
    )
    assert parse_body(b"command=%2Fcm&text=my+payload", "application/x-www-form-urlencoded")["text"] == "my payload"


@given(st.text(max_size=200), st.text(max_size=60))
def test_reading_a_value_never_fails(given_value: str, action_id: str) -> None:
    parse_button({"value": given_value, "action_id": action_id})


@given(st.sampled_from(["card", "notice", "post", "home"]), IDS, st.none() | st.integers(0, 10**8), IDS, IDS)
def test_a_value_is_read_as_it_was_written(
    surface: Any, session: str, revision: int | None, question: str, option: str
) -> None:
    mark = ButtonContext(surface, session, revision)
    drawn = {"action_id": "answer:x", "value": encode_value(Button("answer", "Oui", question, option), mark)}
    found = parse_button(drawn)
    assert found
    assert (found.action, found.context, found.question, found.option) == ("answer", mark, question, option)


@given(st.text(max_size=100))
def test_packed_answers_are_read_without_trust(option: str) -> None:
    for question, chosen in decode_answers(option, FLOW).items():
        known = FLOW.questions_by_id.get(question)
        assert known
        assert chosen in known.options
    assert decode_answers(encode_answers({"brand": "yes", "mode": "agency"}), FLOW) == {
        "brand": "yes",
        "mode": "agency",
    }


@given(st.text(st.characters(exclude_characters="\0")))
def test_the_quick_way_through_a_form_is_the_usual_way(said: str) -> None:
    try:
        raw = urlencode({"payload": json.dumps({"type": "block_actions", "said": said}, ensure_ascii=False)}).encode()
    except UnicodeEncodeError:  # half a character, which no form can hold
        return
    assert parse_body(raw, "application/x-www-form-urlencoded")["said"] == said
    assert parse_body(b"x=1&" + raw, "application/x-www-form-urlencoded")["said"] == said
