# Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays between Heddle and NumPy or PyTorch. The extension module calls
`allocate` and `to_numpy`."""

from __future__ import annotations

import sys

import numpy as np

from . import _runtime
from ._errors import InputError

#: NumPy types of the same width for those that NumPy itself has not.
_CARRIERS = {"bfloat16": "uint16", "float8_e4m3fn": "uint8", "float8_e5m2": "uint8"}


def _import_ml_dtypes():
    try:
        import ml_dtypes
    except ImportError:
        return None
    return ml_dtypes


def numpy_dtype(name: str) -> np.dtype:
    """The NumPy type for a name: that of ml_dtypes where it is installed, else
    an integer with the same bits."""
    if name not in _CARRIERS:
        return np.dtype(name)
    ml_dtypes = _import_ml_dtypes()
    return np.dtype(getattr(ml_dtypes, name) if ml_dtypes else _CARRIERS[name])


# ------------------------------------------------------------------ Conversion


def _to_bfloat16(values: np.ndarray) -> np.ndarray:
    """The bits of bfloat16, rounded to nearest, ties to even."""
    values = values.astype(np.float32)
    bits = values.view(np.uint32)
    rounded = bits + (0x7FFF + ((bits >> 16) & 1))
    quiet = (bits >> 16) | 0x40
    return np.where(np.isnan(values), quiet, rounded >> 16).astype(np.uint16)


def _refuse_conversion(name: str) -> None:
    raise InputError(f"conversion of {name} needs the package ml_dtypes")


def _encode(values: np.ndarray, name: str) -> np.ndarray:
    """`values` as elements of the type `name`."""
    dtype = numpy_dtype(name)
    if values.dtype.name == name or values.dtype.name == _CARRIERS.get(name):
        return values
    if dtype.name == name:
        return values.astype(dtype)
    if name != "bfloat16":
        _refuse_conversion(name)
    return _to_bfloat16(values)


def _decode(values: np.ndarray, name: str, dtype) -> np.ndarray:
    """Elements of the type `name`, maybe as integers, as a NumPy type."""
    if values.dtype.name == name:
        return values.astype(dtype, copy=False)
    if values.dtype == dtype:
        return values
    if name != "bfloat16":
        _refuse_conversion(name)
    return (values.astype(np.uint32) << 16).view(np.float32).astype(dtype, copy=False)


def _encode_tensor(values, name: str):
    """A dense tensor of PyTorch with elements of the type `name`."""
    dtype = getattr(sys.modules["torch"], name)
    is_bits = (
        name in _CARRIERS
        and not values.is_floating_point()
        and values.element_size() == dtype.itemsize
    )
    values = values.detach()
    return (values if is_bits else values.to(dtype)).contiguous()


# ---------------------------------------------------------------------- Arrays


def array(source, dtype=None, device="auto") -> _runtime.Array:
    """Copies an array in host memory to a device.

    NumPy arrays and tensors of PyTorch are converted to `dtype` if they have
    another; integers of the same width are the bits of a bfloat16 or 8-bit
    float, not its value.
    """
    if np.isscalar(source) or not hasattr(source, "dtype"):
        source = np.asarray(source)
    if dtype is None:
        dtype = source.dtype
    result = _runtime.empty(tuple(source.shape), dtype, device)
    if isinstance(source, np.ndarray):
        source = np.ascontiguousarray(_encode(source, result.dtype))
        source = source.reshape(result.shape)
    elif _is_tensor(source):
        source = _encode_tensor(source, result.dtype)
    result.copy_from(source)
    return result


def to_numpy(array: _runtime.Array, dtype) -> np.ndarray:
    """A copy of an array in host memory."""
    result = np.empty(array.shape, numpy_dtype(array.dtype))
    array.copy_to(result)
    return result if dtype is None else _decode(result, array.dtype, dtype)


def _is_tensor(value: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def allocate(example, same_type, shape, name, device):
    """An output of a call: of the kind of `example`, the call's first array,
    and of the type of `same_type`, an array with the same element type."""
    if isinstance(example, np.ndarray):
        same = isinstance(same_type, np.ndarray)
        return np.empty(shape, same_type.dtype if same else numpy_dtype(name))
    if _is_tensor(example):
        torch = sys.modules["torch"]
        same = _is_tensor(same_type)
        dtype = same_type.dtype if same else getattr(torch, name)
        return torch.empty(shape, dtype=dtype, device=example.device)
    return _runtime.empty(shape, name, device)
