"""Words in a message of Slack."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.message_text import app_user, is_addressed, message_words, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@U1> oui", "oui"),
        ("<@U1|cm> <@W2> <!here> <!subteam^S1|@comm> oui &amp; non", "oui & non"),
        ("<https://example.com/?a=b|example.com> <mailto:a@b.c|a@b.c>", "https://example.com/?a=b   mailto:a@b.c"),
        ("<#C1|marketing>", "#marketing"),
        ("&gt; une agence ?\noui", "oui"),
        ("oui\n&gt;&gt;&gt; non\nnon", "oui"),
        ("`oui`", "`oui`"),
        ("5 &gt; 3", "5 > 3"),
    ],
)
def test_message_words(text: str, expected: str) -> None:
    assert message_words(text) == expected


def test_a_slash_command_quotes_nothing() -> None:
    assert words("&gt; oui <@U1|cm>") == "> oui"


@pytest.mark.parametrize(
    ("text", "addressed"),
    [
        ("<@U1> oui", True),
        ("<@U1|cm> oui", True),
        ("write `<@U1> check` to start", False),
        ("```\n<@U1> check\n``` <@U2> look", False),
        ("&gt; <@U1> check\nthat is how", False),
        ("&gt; <@U1> check\n<@U1> oui", True),
        ("`x` <@U1> `y`", True),
        ("<@U2> <@U11>", False),
    ],
)
def test_is_addressed(text: str, addressed: bool) -> None:
    assert is_addressed(text, "U1") is addressed


def test_any_mention_will_do_where_the_app_is_unknown() -> None:
    assert is_addressed("<@U2> oui", None)
    assert not is_addressed("`<@U2>` oui", None)


@pytest.mark.parametrize(
    ("authorizations", "expected"),
    [
        ([{"is_bot": True, "user_id": "U1"}], "U1"),
        ([{"is_bot": False, "user_id": "U2"}, {"is_bot": True, "user_id": "U1"}], "U1"),
        ([{"is_bot": True, "user_id": 5}, None], None),
        ("x", None),
        (None, None),
    ],
)
def test_app_user(authorizations: Any, expected: str | None) -> None:
    assert app_user({"authorizations": authorizations}) == expected


@given(st.text("<>@!#U1|`&gt;\n :/a", max_size=80))
def test_any_text(text: str) -> None:
    message_words(text)
    is_addressed(text, "U1")
