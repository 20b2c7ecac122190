import regex

# Scripts that put no space between words, and how many of their letters make a word on average: two ideographs,
# three kana, four letters of the scripts of South East Asia. Rough, but alike for both sides of a conversation.
_UNSPACED = (
    (regex.compile(r"\p{Han}"), 2),
    (regex.compile(r"[\p{Hiragana}\p{Katakana}]"), 3),
    (regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}--\p{M}]", regex.V1), 4),
)
_WORD = regex.compile(
    r"[[\p{L}\p{N}]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]"
    r"[\p{L}\p{M}\p{N}--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]*+"
    r"(?:['\u2019\-.·][\p{L}\p{N}][\p{L}\p{M}\p{N}]*+)*+",
    regex.V1,
)
_ASCII_WORD = regex.compile(r"[A-Za-z0-9]++(?:['\-.][A-Za-z0-9]++)*+")


def count_words(text: str) -> int:
    """Counts words of any language; `it's`, `e-mail` and `3.5` are one."""
    if text.isascii():
        return len(_ASCII_WORD.findall(text))
    unspaced = sum(-(-len(letters.findall(text)) // a_word) for letters, a_word in _UNSPACED)
    return len(_WORD.findall(text)) + unspaced
