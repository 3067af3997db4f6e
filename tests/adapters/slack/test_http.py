"""Verifying and parsing requests, with arbitrary input."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.playground.slack.payloads import signature
from adapters.slack.http import HttpError, parse_body, verify_signature


@given(st.binary(max_size=300), st.sampled_from(["application/json", "application/x-www-form-urlencoded", ""]))
def test_parsing_raises_only_http_errors(raw: bytes, content_type: str) -> None:
    try:
        body = parse_body(raw, content_type)
    except HttpError:
        return
    assert isinstance(body, dict)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=3), st.binary(max_size=50))
def test_forged_headers_are_refused(values: dict[str, str], raw: bytes) -> None:
    headers = {
        "X-Slack-Request-Timestamp": values.get("a", str(int(time.time()))),
        "X-Slack-Signature": values.get("b", ""),
    }
    with pytest.raises(HttpError) as error:
        verify_signature(b"secret", headers, raw, time.time())
    assert error.value.status == 401


def test_signature_is_valid_for_five_minutes() -> None:
    now, raw = 1_800_000_000, b"{}"
    headers = {"X-Slack-Request-Timestamp": str(now), "X-Slack-Signature": signature("secret", str(now), raw)}
    verify_signature(b"secret", headers, raw, now + 299.0)
    for outside in (now + 301.0, now - 301.0):
        with pytest.raises(HttpError):
            verify_signature(b"secret", headers, raw, outside)


def test_form_and_json_are_parsed() -> None:
    press = urlencode({"payload": json.dumps({"type": "block_actions"})}).encode()
    assert parse_body(press, "")["type"] == "block_actions"
    assert parse_body(b"command=%2Fcm&text=my+payload", "application/x-www-form-urlencoded")["text"] == "my payload"


@given(st.text(st.characters(exclude_characters="\0")))
def test_fast_form_parser_returns_the_same(text: str) -> None:
    body: dict[str, Any] = {"type": "block_actions", "text": text}
    try:
        raw = urlencode({"payload": json.dumps(body, ensure_ascii=False)}).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which no form contains
        return
    assert parse_body(raw, "application/x-www-form-urlencoded")["text"] == text
    assert parse_body(b"x=1&" + raw, "application/x-www-form-urlencoded")["text"] == text
