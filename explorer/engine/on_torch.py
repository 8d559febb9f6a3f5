"""The third engine: the operations on arrays, computed by PyTorch on a device of its own.

What is computed stays on the device. Everything else of the program reads it as if it were NumPy's: the first look
brings it to the processor, once. Imported only where this engine is asked for.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.lib.mixins import NDArrayOperatorsMixin

from explorer.engine import array_ops
from explorer.engine.weights import map_weights
from explorer.errors import EngineError
from gpt import GPT

Tensor = Any

# weights that lie in a mapped file are read-only; nothing is ever changed in place
warnings.filterwarnings("ignore", message="The given NumPy array is not writable")

_TYPES: dict[str, Any] = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}

_LEADING = dict.fromkeys(
    ("activate", "divide", "reshape", "split_columns", "split_heads", "standard_deviation", "take", "tile"), 1
)
"""How many arguments of an operation are arrays, the first ones; where it is not said, all of them."""


class OnDevice(NDArrayOperatorsMixin):
    """An array on a device, as good as one of NumPy: what is done with it here is done with its copy on the processor.

    The copy is made at the first look, and kept; a part of an array looks at the whole. `tensor` is PyTorch's own.
    bfloat16 arrives as float32, which holds the same numbers.
    """

    def __init__(self, tensor: Tensor, whole: "OnDevice | None" = None, index: Any = None) -> None:
        self._tensor = tensor  # None: it is that part of the whole
        self._whole = whole
        self._index = index
        self._seen: Any = None
        self._given: Any = None

    @property
    def tensor(self) -> Tensor:
        """The array of PyTorch, where it lies."""
        if self._tensor is None:
            assert self._whole is not None
            self._tensor = self._whole.tensor[self._index]
        return self._tensor

    @property
    def given(self) -> Any:
        """A weight as it was before it was rounded; any other value itself."""
        return self if self._given is None else self._given

    @property
    def seen(self) -> Any:
        """The same numbers as a read-only array of NumPy."""
        if self._seen is None:
            self._seen = to_processor(self.tensor) if self._whole is None else self._whole.seen[self._index]
        return self._seen

    @property
    def finite(self) -> bool:
        """Whether all numbers are: only that comes to the processor."""
        return bool(self.tensor.isfinite().all())

    def like(self, values: Any) -> "OnDevice":
        """Other values, as this array is: on its device, in its precision."""
        return TorchOps(self.tensor.device, self.tensor.dtype).held(values)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        return len(self.tensor.shape)

    @property
    def dtype(self) -> Any:
        """Of the numbers as they arrive."""
        return np.dtype(np.float64 if self.tensor.dtype == torch.float64 else np.float32)

    def __len__(self) -> int:
        return self.tensor.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """A part of it: where it was not looked at before, the part is not either."""
        slices = all(isinstance(part, slice) for part in (index if isinstance(index, tuple) else (index,)))
        if not _is_basic(index) or (self._seen is not None and not slices):
            return self.seen[index]  # as an array of NumPy gives it
        return OnDevice(None, self, index)

    def __iter__(self) -> Iterator[Any]:
        if self._seen is not None or self.ndim < 2:
            return iter(self.seen)
        return (OnDevice(row, self, index) for index, row in enumerate(self.tensor.unbind(0)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.seen.astype(dtype or self.seen.dtype) if copy else np.asarray(self.seen, dtype=dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(
            *(value.seen if isinstance(value, OnDevice) else value for value in inputs), **options
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.seen, name)

    def beside(self, other: Any) -> bool:
        """Whether this and another are the same rows, one and one, of two arrays."""
        return (
            isinstance(other, OnDevice)
            and type(self._index) is type(other._index) is int
            and self._index == other._index
            and self._whole is not None
            and other._whole is not None
        )

    def __float__(self) -> float:
        return float(self.seen)

    def __int__(self) -> int:
        return int(self.seen)

    def __bool__(self) -> bool:
        return bool(self.seen)

    def __repr__(self) -> str:
        return f"<{list(self.shape)} of {self.tensor.dtype} on {self.tensor.device}>"


class Product(OnDevice):
    """The product of two matrices, computed when it is needed: those of all heads are one batch (`TorchOps.stack`)."""

    def __init__(self, a: OnDevice, b: OnDevice, transposed: bool) -> None:
        super().__init__(None)
        self.a, self.b, self.transposed = a, b, transposed

    @property
    def tensor(self) -> Tensor:
        if self._tensor is None:
            self._tensor = _multiplied(self.a.tensor, self.b.tensor, self.transposed)
        return self._tensor


def together(matrices: Sequence[Any]) -> OnDevice | None:
    """The products of every row of one array with the same row of another, as one; None where they are not that."""
    first = matrices[0]
    if not isinstance(first, Product):
        return None
    a, b, transposed = first.a._whole, first.b._whole, first.transposed
    assert a is not None
    assert b is not None
    alike = len(matrices) == len(a) == len(b) and all(
        isinstance(each, Product)
        and each.a._whole is a
        and each.b._whole is b
        and each.transposed == transposed
        and each.a._index == number
        for number, each in enumerate(matrices)
    )
    return OnDevice(_multiplied(a.tensor, b.tensor, transposed)) if alike else None


def _multiplied(a: Tensor, b: Tensor, transposed: bool) -> Tensor:
    return _computed(torch.matmul, a, b.mT if transposed else b)


def to_processor(tensor: Tensor) -> Any:
    """The numbers of a tensor as a read-only array of NumPy; the only way by which they come from a device."""
    tensor = tensor.cpu()
    found = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    found.flags.writeable = False
    return found


def _is_basic(index: Any) -> bool:
    """Whether an index means a view in PyTorch as in NumPy: numbers, and slices that go forward."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        isinstance(part, int | np.integer)
        or part is Ellipsis
        or (isinstance(part, slice) and (part.step is None or part.step > 0))
        for part in parts
    )


class TorchOps:
    """The functions of `array_ops` on one device, in one precision.

    They take arrays of NumPy, lists and tensors as well, wherever a hook may give them, and bring them there.
    """

    def __init__(self, device: Any, dtype: Any) -> None:
        self.device = device
        self.dtype = dtype

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        run = self._on_device(getattr(array_ops, name), name)
        setattr(self, name, run)
        return run

    def _on_device(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        leading = _LEADING.get(name)

        def run(*arguments: Any) -> Any:
            if leading is None:
                found = _computed(function, *map(self.tensor, arguments))
            else:
                found = _computed(function, *map(self.tensor, arguments[:leading]), *arguments[leading:])
            return [OnDevice(part) for part in found] if isinstance(found, list) else OnDevice(found)

        return run

    def matmul_transposed(self, a: Any, b: Any) -> OnDevice:
        """a · bᵀ."""
        return self._product(a, b, transposed=True)

    def matmul(self, a: Any, b: Any) -> OnDevice:
        """a · b."""
        return self._product(a, b, transposed=False)

    def _product(self, a: Any, b: Any, transposed: bool) -> OnDevice:
        if isinstance(a, OnDevice) and a.beside(b) and self._fits(a.tensor) and self._fits(b.tensor):
            return Product(a, b, transposed)
        return OnDevice(_multiplied(self.tensor(a), self.tensor(b), transposed))

    def stack(self, matrices: Any) -> Any:
        """Matrices of one shape as one tensor."""
        if (found := together(matrices)) is not None:
            return found
        return OnDevice(_computed(array_ops.stack, [self.tensor(matrix) for matrix in matrices]))

    def held(self, values: Any) -> OnDevice:
        """Values on the device, in its precision: as they are where they lie there so."""
        return values if isinstance(values, OnDevice) and self._fits(values.tensor) else OnDevice(self.tensor(values))

    def tensor(self, values: Any) -> Tensor:
        """The same as a tensor of PyTorch."""
        if isinstance(values, OnDevice):
            values = values.tensor
        elif not isinstance(values, torch.Tensor):
            values = torch.as_tensor(np.ascontiguousarray(values) if _backwards(values) else np.asarray(values))
        if self._fits(values):
            return values
        return _computed(values.detach().to, self.device, self.dtype)

    def _fits(self, tensor: Tensor) -> bool:
        return tensor.dtype == self.dtype and tensor.device == self.device and not tensor.requires_grad


def _backwards(values: Any) -> bool:
    return any(stride < 0 for stride in getattr(values, "strides", ()))


def _computed(function: Callable[..., Any], *arguments: Any) -> Any:
    """What PyTorch computes; EngineError where the device's memory is not enough."""
    try:
        return function(*arguments)
    except RuntimeError as error:
        reason = str(error).lower()
        if "out of memory" not in reason and "can't allocate memory" not in reason:
            raise
        raise EngineError(
            "the device has not enough memory for this. Use --dtype bfloat16, --device cpu, or a smaller model."
        ) from error


def on_torch(model: GPT, device: str, dtype: str) -> GPT:
    """The same model on a device ("" or "auto": the best there is) in a precision; EngineError where that cannot be.

    Weights that lose digits are kept as they were as well, for the other engines.
    """
    ops = TorchOps(device_of(device, dtype), _TYPES[dtype])

    def held(values: Any) -> OnDevice:
        given = np.asarray(values)
        found = ops.held(given)
        if dtype == "bfloat16" and not np.array_equal(to_processor(found.tensor), given):
            found._given = given
        return found

    return GPT(model.config, map_weights(model.weights, held), ops=ops)


def device_of(name: str, dtype: str) -> Any:
    """PyTorch's device of that name; EngineError where it is not there, or has no such numbers."""
    if name in ("", "auto"):
        name = "cuda" if torch.cuda.is_available() else "mps" if _mps() and dtype != "float64" else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise EngineError(
            "PyTorch finds no CUDA device here. Use --device cpu, or install a PyTorch that is built for CUDA "
            "(https://pytorch.org/get-started)."
        )
    if name == "mps" and not _mps():
        raise EngineError("PyTorch finds no mps device here: it is the GPU of a Mac. Use --device cpu.")
    if name == "mps" and dtype == "float64":
        raise EngineError("mps has no float64. Use --dtype float32, or --device cpu.")
    return torch.empty(0, device=name).device  # with its number, as tensors have it


def _mps() -> bool:
    return bool(torch.backends.mps.is_available())
