"""Reading requests, with arbitrary JSON."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.installations import Installation
from adapters.slack.request import MalformedRequest, candidate_tenants, read_request

INSTALLATION = Installation("slack:T1", "xoxb")
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


@given(st.dictionaries(NAMES, JSON, max_size=8))
def test_reading_raises_only_malformed_request(body: dict[str, Any]) -> None:
    try:
        candidate_tenants(body)
        read_request(body, INSTALLATION)
    except MalformedRequest:
        pass


@pytest.mark.parametrize(
    ("body", "known"),
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
def test_occurred_at(body: dict[str, Any], known: bool) -> None:
    expected = datetime(2026, 9, 21, 14, 13, 20, 100, UTC) if known else None
    assert read_request(body, INSTALLATION).occurred_at == expected


def test_ids_of_an_event_may_be_in_objects() -> None:
    event = {"type": "channel_rename", "channel": {"id": "C1"}, "user": {"id": "U1"}}
    request = read_request({"type": "event_callback", "event": event}, INSTALLATION)
    assert (request.channel, request.person) == ("C1", "U1")
