import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_core.db.storable import from_json_text, refuse_unstorable, to_json_text
from tahoe_core.errors import InvalidInputError

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(values)
def test_json_comes_back_as_it_was(value: object) -> None:
    assert from_json_text(to_json_text(value)) == value


def test_what_json_cannot_say_becomes_null() -> None:
    assert to_json_text([float("nan"), float("inf")]) == "[null,null]"


def test_a_backslash_before_u0000_is_no_null_byte() -> None:
    assert from_json_text(to_json_text({"regex": "\\u0000"})) == {"regex": "\\u0000"}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"turns": [{"text": "fine"}, {"text": "a\0b"}]}, "turns.1.text"),
        ({"turns": [{"text": "a\ud83d"}]}, "turns.0.text"),
        ({"outer": {"ke\0y": 1}}, "outer"),
        (["ok", ("\0",)], "1.0"),
    ],
)
def test_says_where_the_text_is_that_cannot_be_stored(value: object, path: str) -> None:
    for refuse in (refuse_unstorable, to_json_text):
        with pytest.raises(InvalidInputError) as raised:
            refuse(value)
        assert raised.value.field == path


def test_says_what_it_found() -> None:
    with pytest.raises(InvalidInputError, match="a null byte"):
        refuse_unstorable("\0", "name")
    with pytest.raises(InvalidInputError, match=r"U\+DFFF"):
        refuse_unstorable("\udfff")
