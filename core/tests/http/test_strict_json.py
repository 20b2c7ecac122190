import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_core.errors import InvalidInputError, PayloadTooLargeError
from tahoe_core.http.strict_json import MAX_DEPTH, MAX_PARTS, parse_json

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(values, st.booleans())
def test_whatever_can_be_stored_is_read_as_it_is(value: object, ensure_ascii: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ensure_ascii).encode()) == value


@given(
    st.binary(max_size=200) | st.text(alphabet='[]{}",:0123456789eE+-.\\u dDnultrfasNIy', max_size=60).map(str.encode)
)
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    try:
        value = parse_json(body)
    except InvalidInputError as error:
        assert error.field  # noqa: PT017 - any outcome but these two is what the test looks for
    else:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


@given(texts, st.sampled_from(["\0", "\ud800", "\udfff"]), texts)
def test_text_that_no_database_keeps_is_refused_wherever_it_stands(before: str, bad: str, after: str) -> None:
    for value in ([before + bad + after], {before + bad + after: 1}, {"a": [{"b": bad}]}):
        with pytest.raises(InvalidInputError, match="cannot be stored"):
            parse_json(json.dumps(value).encode())


def test_depth_is_bounded_exactly() -> None:
    assert parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    with pytest.raises(InvalidInputError, match="nested more than"):
        parse_json(b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2))


def test_the_number_of_values_is_bounded() -> None:
    assert len(parse_json(b"[" + b"0," * (MAX_PARTS - 1) + b"0]")) == MAX_PARTS
    with pytest.raises(PayloadTooLargeError, match=f"{MAX_PARTS + 1:,} commas and opening brackets"):
        parse_json(b"[" + b"0," * MAX_PARTS + b"0]")
