import math

import numpy as np

from tahoe_engine.embedding.bert import gelu, read_weights
from tahoe_engine.embedding.local import find_model_folder


def test_gelu_is_the_exact_one_to_a_millionth() -> None:
    x = np.linspace(-12, 12, 100_001, dtype=np.float32)
    expected = np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.astype(float).tolist()])
    y = x.copy()
    gelu(y)
    assert np.abs(y - expected).max() < 1e-6


def test_gelu_of_a_matrix_larger_than_a_block_changes_every_element() -> None:
    x = np.full((30, 1536), -1.0, dtype=np.float32)
    gelu(x)
    assert np.allclose(x, -0.15865525, atol=1e-6)


def test_weights_are_mapped_and_not_copied() -> None:
    weights = read_weights(find_model_folder() / "model.safetensors")
    words = weights["embeddings.word_embeddings.weight"]
    assert words.shape == (30522, 384)
    assert words.dtype == np.float32
    assert not words.flags.owndata
    assert not words.flags.writeable
