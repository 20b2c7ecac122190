"""Words as lexical search sees them: stems, hashed, with the part of BM25's weight that a document knows by itself.

BM25's other part, how rare a stem is in the team, belongs to the query (`tahoe_engine.db.repositories.memory_search`).
"""

import re
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import Stemmer  # type: ignore[import-not-found]  # it ships no types

TERMS = 999_999_999
"""How many a `sparsevec` can tell apart; two stems of one team share a number once in a million pairs of thousands."""
MOST_STEMS = 16_000
"""How many a `sparsevec` can hold; the rest of a text, if there is any, is found by meaning alone."""
K1 = 0.9
B = 0.2
AVERAGE_LENGTH = 20
"""In stems. Fixed, so that a document's weights never change; as good as the true average (docs/benchmarks.md)."""

_WORD = re.compile(r"[^\W_]+")
# Scripts that are written without spaces: pairs of characters stand for words there.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f]+")
_STOP_WORDS = frozenset(Path(__file__).with_name("stop_words.txt").read_text(encoding="ascii").split())


class _ThreadStemmer(threading.local):
    """A Snowball stemmer may not be shared by threads. It caches no words: those of an erased memory have to go."""

    def __init__(self) -> None:
        self.stem_all = Stemmer.Stemmer("english", 0).stemWords


_stemmer = _ThreadStemmer()


def list_words(text: str) -> list[str]:
    """Returns the words of a text in lower case: runs of letters and digits of any script."""
    return _WORD.findall(text.lower())


def list_stems(text: str) -> list[str]:
    """Returns the stems that count, in their order, with repetitions."""
    words = list_words(text)
    if not text.isascii():
        words = [part for word in words for part in _split(word)]
    stems: list[str] = _stemmer.stem_all([word for word in words if word not in _STOP_WORDS])
    return stems


def hash_stem(stem: str) -> int:
    """Returns a stem's number, from 1."""
    return 1 + zlib.crc32(stem.encode()) % TERMS


def weigh(text: str) -> str | None:
    """Returns the document's weights as pgvector writes a `sparsevec`; None where no word counts."""
    counts = Counter(list_stems(text))
    if not counts:
        return None
    norm = K1 * (1 - B + B * counts.total() / AVERAGE_LENGTH)
    if len(counts) > MOST_STEMS:  # scripts without spaces: a pair of characters each
        counts = Counter(dict(counts.most_common(MOST_STEMS)))
    weights = {count: f"{count * (K1 + 1) / (count + norm):.4g}" for count in set(counts.values())}
    numbers = {hash_stem(stem): weights[count] for stem, count in counts.items()}
    return f"{{{','.join([f'{number}:{numbers[number]}' for number in sorted(numbers)])}}}/{TERMS}"


def list_terms(query: str) -> list[int]:
    """Returns the numbers of the query's stems, each once."""
    return list(dict.fromkeys(hash_stem(stem) for stem in list_stems(query)))


def _split(word: str) -> Iterator[str]:
    place = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > place:
            yield word[place : run.start()]
        characters = run.group()
        if len(characters) == 1:
            yield characters
        for start in range(len(characters) - 1):
            yield characters[start : start + 2]
        place = run.end()
    if place < len(word):
        yield word[place:]
