"""The forward pass of a BERT encoder, in numpy and single precision.

Sources: Devlin et al. 2018 (arXiv:1810.04805); the names of the weights are those of the published checkpoint.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float32]

_BLOCK = 32_768  # elements that stay in the second-level cache while the activation passes over them
_SQRT_HALF = np.float32(math.sqrt(0.5))
# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: erf with an absolute error of 1.5e-7 at most.
_ERF_P = np.float32(0.3275911)
_ERF_A = tuple(np.float32(a) for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))


@dataclass(frozen=True)
class BertConfig:
    """The shape of the network, from the checkpoint's `config.json`."""

    layers: int
    heads: int
    hidden: int
    layer_norm_eps: float

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads the checkpoint's `config.json`."""
        raw = json.loads(path.read_text("utf-8"))
        return cls(raw["num_hidden_layers"], raw["num_attention_heads"], raw["hidden_size"], raw["layer_norm_eps"])


@dataclass(frozen=True)
class Pack:
    """Texts laid end to end, equally long ones side by side, so that none is padded and none needs a mask.

    Whatever looks at tokens one by one then multiplies a single large matrix; only attention goes run by run.

    Attributes:
        ids: All their tokens.
        runs: How many texts there are of which length, run after run.
    """

    ids: NDArray[np.int64]
    runs: list[tuple[int, int]]

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]]) -> Self:
        """Packs texts that come sorted by length."""
        runs = [(len(list(run)), tokens) for tokens, run in groupby(len(text) for text in texts)]
        return cls(np.fromiter(chain.from_iterable(texts), dtype=np.int64), runs)

    def split(self, x: Floats) -> Iterator[Floats]:
        """Views one vector a token, shape (tokens, width), run by run: shape (texts, tokens a text, width)."""
        start = 0
        for texts, tokens in self.runs:
            yield x[start : start + texts * tokens].reshape(texts, tokens, x.shape[-1])
            start += texts * tokens


class Bert:
    """Token ids in, the last hidden states out.

    Args:
        config: The network's shape.
        weights: Name → array, as `read_weights` gives them; they are only read.
    """

    def __init__(self, config: BertConfig, weights: dict[str, Floats]) -> None:
        self._config = config
        self._weights = weights
        first_type = weights["embeddings.token_type_embeddings.weight"][0]
        self._positions = weights["embeddings.position_embeddings.weight"] + first_type

    def hidden_states(self, pack: Pack) -> Floats:
        """Returns one vector a token, shape (tokens, hidden)."""
        x = self._weights["embeddings.word_embeddings.weight"][pack.ids]
        for run in pack.split(x):
            np.add(run, self._positions[: run.shape[1]], out=run)
        self._normalise(x, "embeddings.LayerNorm")
        for number in range(self._config.layers):
            layer = f"encoder.layer.{number}"
            attended = self._dense(self._attention(x, pack, layer), f"{layer}.attention.output.dense")
            attended += x
            self._normalise(attended, f"{layer}.attention.output.LayerNorm")
            inner = self._dense(attended, f"{layer}.intermediate.dense")
            gelu(inner)
            x = self._dense(inner, f"{layer}.output.dense")
            x += attended
            self._normalise(x, f"{layer}.output.LayerNorm")
        return x

    def _attention(self, x: Floats, pack: Pack, layer: str) -> Floats:
        query, key, value = (self._dense(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
        mixed = np.empty_like(x)
        for q, k, v, out in zip(*map(pack.split, (query, key, value, mixed)), strict=True):
            scores = self._heads(q) @ self._heads(k).swapaxes(-1, -2)
            scores *= np.float32(1 / math.sqrt(self._config.hidden // self._config.heads))
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=-1, keepdims=True)
            self._heads(out)[:] = scores @ self._heads(v)
        return mixed

    def _heads(self, run: Floats) -> Floats:
        """Views (texts, tokens, hidden) as (texts, heads, tokens, width of a head)."""
        texts, tokens, hidden = run.shape
        heads = self._config.heads
        return run.reshape(texts, tokens, heads, hidden // heads).transpose(0, 2, 1, 3)

    def _dense(self, x: Floats, name: str) -> Floats:
        y: Floats = x @ self._weights[f"{name}.weight"].T
        y += self._weights[f"{name}.bias"]
        return y

    def _normalise(self, x: Floats, name: str) -> None:
        x -= x.mean(axis=-1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x)[:, None] / np.float32(x.shape[-1])
        x /= np.sqrt(variance + np.float32(self._config.layer_norm_eps))
        x *= self._weights[f"{name}.weight"]
        x += self._weights[f"{name}.bias"]


def gelu(x: Floats) -> None:
    """Replaces each x by x·Φ(x), Φ being the normal distribution function: the exact GELU, not its tanh likeness."""
    flat = x.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        scaled = block * _SQRT_HALF
        size = np.abs(scaled)
        t = 1 / (1 + _ERF_P * size)
        tail = t * _ERF_A[0]
        for coefficient in _ERF_A[1:]:
            tail += coefficient
            tail *= t
        np.multiply(size, size, out=size)
        np.negative(size, out=size)
        np.exp(size, out=size)
        tail *= size  # erfc(|x|/√2), between 0 and 1
        tail *= np.float32(0.5)
        # Φ(x) is 1 - tail right of zero and tail left of it
        block *= np.where(block < 0, tail, 1 - tail)


def read_weights(path: Path) -> dict[str, Floats]:
    """Maps the tensors of a safetensors file into memory: nothing is copied, and processes share the pages.

    The format is 8 bytes of length, a JSON header with the place of each tensor, then the tensors; the safetensors
    library would copy all 90 MB. Tensors of other types than float32 are left out.
    """
    raw = np.memmap(path, dtype=np.uint8, mode="r")
    data = 8 + int.from_bytes(raw[:8].tobytes(), "little")
    header = json.loads(raw[8:data].tobytes())
    weights: dict[str, Floats] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            weights[name] = np.asarray(raw[data + begin : data + end]).view(np.float32).reshape(entry["shape"])
    return weights
