import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_core.db.escaped_json import from_escaped_json, refuse_broken_names, to_escaped_json
from tahoe_core.db.storable import refuse_unstorable, replace_unstorable
from tahoe_core.errors import InvalidInputError

texts = st.text(st.characters(codec=None) | st.sampled_from("\0\ud800\udfff\\u")).filter(
    lambda text: not re.search("[\ud800-\udbff][\udc00-\udfff]", text)
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(values)
def test_comes_back_as_it_was_from_a_text_that_can_be_stored(value: object) -> None:
    text = to_escaped_json(value)
    refuse_unstorable(text)
    assert from_escaped_json(text) == value


def test_numbers_that_json_does_not_have_keep_their_names() -> None:
    number = from_escaped_json(to_escaped_json(math.nan))
    assert isinstance(number, float)
    assert math.isnan(number)


def test_two_halves_side_by_side_are_the_character() -> None:
    assert from_escaped_json(to_escaped_json("\ud83d\ude00")) == "\N{GRINNING FACE}"


@pytest.mark.parametrize("value", [{"\ud800": 1}, {"a": [{"b\udfff": 1}]}, ({"\ud800": 1},)])
def test_names_that_pydantic_would_change_are_refused(value: object) -> None:
    with pytest.raises(InvalidInputError, match="half of a surrogate pair"):
        refuse_broken_names(value)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        to_escaped_json({"moment": object()})


def test_what_cannot_be_stored_is_seen_to_have_stood_there() -> None:
    assert replace_unstorable("a\0b\ud83dc") == "a\ufffdb\ufffdc"
