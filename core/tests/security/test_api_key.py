import pytest

from tahoe_core.security.api_key import is_api_key


def test_a_key_is_one_word_of_ascii() -> None:
    assert is_api_key("sk-proj-Ab_9.~+/=")


@pytest.mark.parametrize("text", ["", "…", "sk and more", "sk\n", "sk\x7f", "schlüssel"])
def test_nothing_else_is_one(text: str) -> None:
    assert not is_api_key(text)
