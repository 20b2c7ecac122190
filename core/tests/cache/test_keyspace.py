import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_core.cache.keyspace import Keyspace
from tahoe_core.errors import InvalidInputError

parts = st.lists(st.text(st.characters(), min_size=1, max_size=20), min_size=2, max_size=4)


@pytest.mark.parametrize("prefix", ["agent:", "agent"])
def test_a_key_is_service_namespace_key(prefix: str) -> None:
    assert Keyspace(prefix).key("session", 123) == "agent:session:123"


def test_a_prefix_may_have_parts_of_its_own() -> None:
    assert Keyspace("tahoe:agent:").key("session", "x") == "tahoe:agent:session:x"


def test_what_would_break_the_pattern_is_encoded() -> None:
    assert Keyspace("agent:").key("rate", "a:b", "c d\n%", "é") == "agent:rate:a%3Ab:c%20d%0A%25:%C3%A9"
    assert Keyspace("agent:").key("login", "ann@example.com") == "agent:login:ann@example.com"


@given(parts, parts)
def test_different_parts_never_meet(one: list[str], other: list[str]) -> None:
    space = Keyspace("agent:")
    assert (space.key(*one) == space.key(*other)) == (one == other)


@given(parts)
def test_a_key_is_plain_ascii_with_as_many_colons_as_parts(names: list[str]) -> None:
    key = Keyspace("agent:").key(*names)
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key
    assert key.count(":") == len(names)


@pytest.mark.parametrize("names", [["session"], ["session", ""], ["", "x"], ["session", "x", ""]])
def test_a_part_that_says_nothing_is_refused(names: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="none of them empty"):
        Keyspace("agent:").key(*names)


def test_a_key_has_a_greatest_length() -> None:
    with pytest.raises(InvalidInputError, match="longer than 1024"):
        Keyspace("agent:").key("session", "x" * 1024)


@pytest.mark.parametrize("prefix", ["", ":", "Agent:", "a b", "a::b", ":a", "a*"])
def test_a_prefix_that_is_none_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot name a part of the cache"):
        Keyspace(prefix)
