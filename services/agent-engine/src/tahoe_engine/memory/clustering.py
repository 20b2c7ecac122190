"""Vectors into groups, by k-means on the sphere: what is near in angle lies together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

type Vectors = NDArray[np.float32]

ROUNDS = 8
_AT_ONCE = 4096


def read_vectors(sent: Sequence[bytes]) -> Vectors:
    """Reads vectors of one length from what pgvector's `halfvec_send` gives, one a row."""
    return np.frombuffer(b"".join(one[4:] for one in sent), dtype=">f2").reshape(len(sent), -1).astype(np.float32)


def learn_centroids(vectors: Vectors, groups: int) -> Vectors:
    """Returns the centroids of so many groups, of length 1; the same for the same vectors.

    A group in which nothing lies any more begins anew at a vector drawn at random.
    """
    random = np.random.default_rng(0)
    centroids = vectors[random.choice(len(vectors), groups, replace=False)]
    for _ in range(ROUNDS):
        nearest = find_nearest(vectors, centroids)
        order = np.argsort(nearest, kind="stable")
        present, starts = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(vectors[order], starts, axis=0)
        centroids = vectors[random.choice(len(vectors), groups, replace=False)]
        centroids[present] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return centroids


def find_nearest(vectors: Vectors, centroids: Vectors) -> NDArray[np.intp]:
    """Returns for each vector which centroid is nearest."""
    parts = [vectors[start : start + _AT_ONCE] for start in range(0, len(vectors), _AT_ONCE)]
    return np.concatenate([np.argmax(part @ centroids.T, axis=1) for part in parts])
