"""The same operations as a textbook writes them: a loop in a loop in a loop over numbers, nothing else."""

from types import SimpleNamespace

from gpt import ops
from gpt.ops import Arithmetic, Matrix, Vector


def linear(x: Matrix, weight: Matrix, bias: Vector) -> list[list[float]]:  # [T, n], [b, n], [b] -> [T, b]
    """x · Wᵀ + bias."""
    result = []
    for i in range(len(x)):
        row = []
        for j in range(len(weight)):
            total = 0.0
            for k in range(len(weight[j])):
                total += x[i][k] * weight[j][k]
            row.append(total + bias[j])
        result.append(row)
    return result


def matmul_transposed(a: Matrix, b: Matrix) -> list[list[float]]:  # [a, n], [b, n] -> [a, b]
    """a · bᵀ."""
    return linear(a, b, [0.0] * len(b))


def matmul(a: Matrix, b: Matrix) -> list[list[float]]:  # [a, n], [n, b] -> [a, b]
    """a · b."""
    return matmul_transposed(a, ops.transpose(b))


def arithmetic() -> Arithmetic:
    """The model's arithmetic with these products."""
    parts = vars(ops) | {"linear": linear, "matmul_transposed": matmul_transposed, "matmul": matmul}
    return SimpleNamespace(**parts)
