import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tahoe_core.security.service_token import BASE62, create_service_token, is_well_formed, verify


def test_a_token_has_its_prefix_256_bits_and_a_checksum() -> None:
    token = create_service_token().get_secret_value()
    assert re.fullmatch(r"tahoe_st_[0-9A-Za-z]{49}", token)
    assert len(BASE62) ** 43 > 2**256
    assert is_well_formed(token)


def test_tokens_differ() -> None:
    assert len({create_service_token().get_secret_value() for _ in range(1000)}) == 1000


def test_a_token_does_not_show_itself() -> None:
    token = create_service_token()
    assert token.get_secret_value() not in f"{token!r} {token}"


@given(st.integers(0, 57), st.sampled_from(BASE62))
def test_one_mistyped_character_is_recognised(place: int, character: str) -> None:
    token = create_service_token().get_secret_value()
    mistyped = token[:place] + character + token[place + 1 :]
    assert is_well_formed(mistyped) == (mistyped == token)


@pytest.mark.parametrize("cut", [1, 6, 7, 48])
def test_a_token_cut_off_is_recognised(cut: int) -> None:
    assert not is_well_formed(create_service_token().get_secret_value()[:-cut])


@given(st.text())
def test_other_text_is_no_token(text: str) -> None:
    assert not is_well_formed(text)


def test_only_the_same_token_is_verified() -> None:
    token, other = create_service_token(), create_service_token()
    assert verify(token.get_secret_value(), token)
    for presented in (other.get_secret_value(), "", token.get_secret_value() + " ", token.get_secret_value()[:-1]):
        assert not verify(presented, token)


@given(st.text(st.characters()))
def test_anything_may_be_presented(presented: str) -> None:
    assert not verify(presented, SecretStr("tahoe_st_x"))


def test_the_module_makes_one_for_an_operator() -> None:
    command = [sys.executable, "-m", "tahoe_core.security.service_token"]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert is_well_formed(made.strip())
