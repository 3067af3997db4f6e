import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.shared.json_codec import is_storable, parse_json

texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def takes(value: object) -> bool:
    """Whether UTF-8 can say it, and there is no zero in it."""
    try:
        return "\\u0000" not in json.dumps(value, ensure_ascii=False).encode().decode().replace("\\\\", "")
    except UnicodeEncodeError:
        return False


@given(values, st.booleans())
def test_what_is_read_can_be_stored_and_what_can_be_is_read(value: object, plain: bool) -> None:
    text = json.dumps(value, ensure_ascii=plain)
    assert is_storable(json.loads(text)) is takes(json.loads(text))
    if takes(json.loads(text)):
        assert parse_json(text) == json.loads(text)
    else:
        with pytest.raises(ValueError):  # noqa: PT011 - JSON's own words
            parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":NaN}',
        "[Infinity]",
        "[-Infinity]",
        "1e999",
        "[" * 2000 + "]" * 2000,
        '"\\u0000"',
        '"\\ud83d"',
        '{"\\udc00":1}',
        "x",
    ],
)
def test_invalid_json_is_rejected(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own words
        parse_json(text)


def test_emojis_and_words_about_zeros_are_read() -> None:
    assert parse_json('["\\ud83d\\ude00", "\\\\u0000"]') == ["😀", "\\u0000"]
