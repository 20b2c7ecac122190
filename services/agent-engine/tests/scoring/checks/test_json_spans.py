import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tahoe_engine.scoring.json_spans import find_json_span

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], object]]:
    found: list[tuple[tuple[str | int, ...], object]] = [(path, value)]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += paths(inner, (*path, index))
    return found


@settings(deadline=None)
@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_every_value_of_a_document_is_found_where_it_stands(
    document: object, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    for path, value in paths(document):
        span = find_json_span(text, path)
        assert span is not None
        assert json.loads(text[slice(*span)]) == value


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"a": 1}', ("b",)),
        ('{"a": 1}', (0,)),
        ("[1]", (1,)),
        ("[1]", ("a",)),
        ("3", ("a",)),
        ('{"a": ', ("a",)),
        ("{'a': 1}", ("a",)),
        ("", ()),
        ("[" * 100_000, (0, 0)),
    ],
)
def test_what_is_not_there_has_no_place(text: str, path: tuple[str | int, ...]) -> None:
    assert find_json_span(text, path) is None


def test_of_equal_keys_the_last_counts() -> None:
    text = '{"a": 1, "a": 22}'
    assert find_json_span(text, ("a",)) == (14, 16)
