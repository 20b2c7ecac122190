"""How many tokens a text will take, guessed without a tokeniser."""

import re
from collections.abc import Callable

type TokenCounter = Callable[[str], int]
"""Counts the tokens of a text as some model would."""

_ASCII_A_TOKEN = 4
_OTHERS_A_TOKEN = 2
# Kana, ideographs, Hangul and full-width forms; and all above the basic plane: rarer ideographs, and emoji.
_ONE_EACH = re.compile(r"[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60\U00010000-\U0010ffff]")


def estimate_tokens(text: str) -> int:
    """Guesses for a model that is not known: rather too many than too few.

    Four ASCII characters make a token; two of another alphabet; each of Chinese, Japanese and Korean, and each emoji,
    is one. The guess for two texts together is never above the sum of the guesses.
    """
    if text.isascii():
        return -(-len(text) // _ASCII_A_TOKEN)
    ascii_characters = len(text.encode("ascii", "ignore"))
    one_each = len(_ONE_EACH.findall(text))
    others = len(text) - ascii_characters - one_each
    quarters = ascii_characters + others * (_ASCII_A_TOKEN // _OTHERS_A_TOKEN) + one_each * _ASCII_A_TOKEN
    return -(-quarters // _ASCII_A_TOKEN)
