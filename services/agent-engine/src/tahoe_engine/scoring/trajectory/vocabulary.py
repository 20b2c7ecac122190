"""Whether a word was used, as itself or as a near form of it."""

import itertools
import re
from collections import deque

from tahoe_engine.scoring.trajectory.words import FILLERS, words

_SHORT, _LONG = 4, 8
"""Letters of a word that may be abbreviated or mistyped at all, and of one that may be mistyped twice."""

_LONGEST = 32
"""Letters. Nobody abbreviates or mistypes a longer word, and its beginnings would fill the memory."""

_NEIGHBOURS = 500
"""Of each length, so many words (the latest) are compared with a mistyped one: it bounds the time of a search."""

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Runs of scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""


class Vocabulary:
    """The words used so far; questions are asked in `words`, as they are compared."""

    def __init__(self) -> None:
        self._words: set[str] = set()
        self._pairs: set[str] = set()
        self._characters: set[str] = set()
        self._new: list[str] = []
        self._unused: set[str] = set()
        self._beginnings: set[str] = set()
        self._by_length: dict[int, deque[tuple[str, int]]] = {}

    def add(self, text: str) -> None:
        """Takes in an utterance."""
        self._unused.clear()
        found = words(text)
        fresh = [word for word in dict.fromkeys(found) if word not in self._words]
        self._new += fresh
        self._words.update(fresh)
        self._pairs.update(map("".join, itertools.pairwise(found)))
        if not text.isascii():
            for word in fresh:
                for run in _UNSPACED.findall(word):
                    self._characters.update(_neighbouring(run))

    def share(self, phrase: list[str]) -> float:
        """Returns which share of the phrase's content words was used; of none all were.

        What is written as two words here and as one there is the same: `oat milk` covers `oatmilk`.
        """
        used = [self.has(word) for word in phrase]
        for i, joined in enumerate(map("".join, itertools.pairwise(phrase))):
            if joined in self._words or joined in self._pairs:
                used[i] = used[i + 1] = True
        counted = [ok for word, ok in zip(phrase, used, strict=True) if word not in FILLERS]
        return sum(counted) / len(counted) if counted else 1.0

    def has_any(self, phrase: list[str]) -> bool:
        """Whether one of the phrase's content words was used."""
        return any(word not in FILLERS for word in phrase) and self.share(phrase) > 0

    def has(self, word: str) -> bool:
        """Whether the word was used: itself, an abbreviation (`decaf` for `decaffeinated`), a slip of the keyboard.

        A number must be the same. In a script without spaces a word was used when each pair of its characters was.
        """
        if word in self._words or word in self._pairs:
            return True
        if not word.isascii() and _UNSPACED.fullmatch(word) and self._characters.issuperset(_neighbouring(word)):
            return True
        if word in self._unused or not _SHORT <= len(word) <= _LONGEST or not word.isalpha():
            return False
        if self._new:
            self._index_new_words()
        if word in self._beginnings or any(word[:end] in self._words for end in range(_SHORT, len(word))):
            return True
        if self._has_mistyped(word):
            return True
        self._unused.add(word)
        return False

    def _index_new_words(self) -> None:
        for word in self._new:
            if _SHORT <= len(word) <= _LONGEST and word.isalpha():
                self._beginnings.update(word[:end] for end in range(_SHORT, len(word)))
                self._by_length.setdefault(len(word), deque(maxlen=_NEIGHBOURS)).append((word, _letters(word)))
        self._new.clear()

    def _has_mistyped(self, word: str) -> bool:
        letters = _letters(word)
        for length in range(max(len(word) - 2, _SHORT), len(word) + 3):
            slips = 1 if min(length, len(word)) < _LONG else 2
            if abs(length - len(word)) > slips:
                continue
            for other, others in self._by_length.get(length, ()):
                # A slip changes at most two letters of the set; this spares most of the exact comparisons.
                if (letters ^ others).bit_count() <= 2 * slips and _distance(word, other) <= slips:
                    return True
        return False


def _neighbouring(run: str) -> list[str]:
    """Returns each character and each pair of neighbours."""
    return [*run, *map("".join, itertools.pairwise(run))]


def _letters(word: str) -> int:
    """Returns the set of a word's letters as bits; two letters may share a bit."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _distance(left: str, right: str) -> int:
    """Returns the edit distance, a swap of neighbours being one edit (optimal string alignment)."""
    older: list[int] = []
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]
