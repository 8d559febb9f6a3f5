"""Circuits of all heads together: the numbers of each head by itself, by their definitions."""

import numpy as np
import pytest

from explorer.analysis.circuits import Circuits, Composition
from explorer.analysis.errors import AnalysisError
from explorer.analysis.folded import folded
from tests.helpers.models import on_arrays, small_model

MODEL = on_arrays(n_layer=3, n_head=2, n_embd=6)
CIRCUITS = Circuits(MODEL.weights, MODEL.config)


def test_the_weights_are_the_folded_ones() -> None:
    whole = folded(MODEL.weights, MODEL.config)
    np.testing.assert_array_equal(CIRCUITS.embedding, whole.token_embedding)
    np.testing.assert_array_equal(CIRCUITS.unembedding, whole.unembedding * np.asarray(whole.ln_final.gamma))
    qkv, out = (np.asarray(part.weight) for part in (whole.blocks[2].attn_qkv, whole.blocks[2].attn_out))
    for start, matrix in ((0, CIRCUITS.queries(2, 1)), (6, CIRCUITS.keys(2, 1)), (12, CIRCUITS.values(2, 1))):
        np.testing.assert_array_equal(matrix, qkv[start + 3 : start + 6].T)
    np.testing.assert_array_equal(CIRCUITS.output(2, 1), out[:, 3:].T)


def test_copying_is_of_the_eigenvalues_over_the_vocabulary() -> None:
    """Those of the matrix of V x V, for every head."""
    scores = CIRCUITS.all_copying()
    assert scores.shape == (3, 2)
    for layer in range(3):
        for head in range(2):
            through = CIRCUITS.values(layer, head) @ CIRCUITS.output(layer, head)
            found = np.linalg.eigvals(CIRCUITS.embedding @ through @ CIRCUITS.unembedding.T)
            assert scores[layer, head] == pytest.approx(found.sum().real / np.abs(found).sum())
            assert CIRCUITS.copying(layer, head) == pytest.approx(scores[layer, head])


@pytest.mark.parametrize("kind", Composition)
def test_composition_is_of_whole_matrices(kind: Composition) -> None:
    def ov(layer: int, head: int) -> np.ndarray:
        return CIRCUITS.values(layer, head) @ CIRCUITS.output(layer, head)

    def read(layer: int, head: int) -> np.ndarray:
        qk = CIRCUITS.queries(layer, head) @ CIRCUITS.keys(layer, head).T
        return {Composition.Q: qk, Composition.K: qk.T, Composition.V: ov(layer, head)}[kind]

    found = CIRCUITS.composition(kind)
    for earlier, head, later, reader in np.ndindex(3, 2, 3, 2):
        left, right = ov(earlier, head), read(later, reader)
        share = np.linalg.norm(left @ right) / (np.linalg.norm(left) * np.linalg.norm(right))
        assert found[earlier, head, later, reader] == pytest.approx(share if earlier < later else 0.0)


def test_plain_python_has_the_same_circuits() -> None:
    model = small_model(n_layer=3, n_head=2, n_embd=6)
    np.testing.assert_allclose(Circuits(model.weights, model.config).all_copying(), CIRCUITS.all_copying())


def test_the_first_and_the_last_token_can_be_asked_for_and_no_other_number() -> None:
    matched, last = CIRCUITS.embedding @ CIRCUITS.queries(1, 0), MODEL.config.vocab_size - 1
    for token in (0, last):
        expected = matched[token] @ (CIRCUITS.embedding @ CIRCUITS.keys(1, 0)).T / MODEL.config.score_divisor(1)
        np.testing.assert_allclose(CIRCUITS.matched(1, 0, token), expected)
    for token in (-1, last + 1):
        with pytest.raises(AnalysisError, match=f"no token {token}: ids go from 0 to {last}"):
            CIRCUITS.matched(1, 0, token)
