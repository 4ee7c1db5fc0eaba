"""Initial values of a layer's parameters.

An initializer is a frozen description. Called with a shape, a random generator and a dtype, it returns the array.
Weights are channels-last: a shape is ``(..., channels in, channels out)`` and its leading axes, if any, are the
receptive field of a convolution.

===========  =======================================  ==============================================
initializer  variance of a weight                     source
===========  =======================================  ==============================================
`Glorot`     ``gain**2 * 2 / (fan_in + fan_out)``     Glorot and Bengio 2010, equations 12 and 16
`He`         ``gain**2 / fan_in``                     He et al. 2015, equation 10 (ReLU: gain**2 = 2)
`LeCun`      ``gain**2 / fan_in``, gain 1             LeCun et al. 1998, "Efficient BackProp", section 4.6
===========  =======================================  ==============================================

``gain`` makes up for what the following activation does to the variance: it is the reciprocal of the slope at 0 for a
sigmoid curve (4 for the logistic function, 1 for tanh), and sqrt(2) for ReLU. ``gain=None`` stands for the gain of the
activation that follows in the network, which `nnlite.Sequential` fills in; an initializer that is called on its own
takes 1. So `He` in front of a ReLU has the 2 / fan_in of the paper, while `LeCun` looks at no activation: its rule
assumes inputs and activations that are already scaled.
"""

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnlite.checks import as_float_dtype, check_number, check_rng, is_one_of

__all__ = ["Constant", "Glorot", "He", "Initializer", "LeCun", "Orthogonal", "Zeros", "fans"]

Shape = Sequence[int]
Array = NDArray[np.floating]

DISTRIBUTIONS = ("uniform", "normal")
MAX_GAIN = 1e15
"""Float32 has to hold the weights, and their squares."""


class Initializer(Protocol):
    """An initializer: any callable of this form."""

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array: ...


def fans(shape: Shape) -> tuple[int, int]:
    """Count the inputs that a unit sums over and the outputs that an input reaches.

    Parameters
    ----------
    shape : sequence of int
        Shape of a weight, ``(..., channels in, channels out)``.

    Returns
    -------
    fan_in, fan_out : int
        ``prod(shape[:-1])`` and ``prod(shape[:-2]) * shape[-1]``.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes or an axis without elements.

    Examples
    --------
    >>> fans((128, 50))
    (128, 50)
    >>> fans((5, 5, 1, 32))
    (25, 800)
    """
    return _fans("fans", shape)


def _fans(who: str, shape: Shape) -> tuple[int, int]:
    """Return what `fans` does; errors begin with `who`."""
    shape = _checked_shape(who, shape)
    if len(shape) < 2:
        raise ValueError(
            f"{who}: shape: expected (..., channels in, channels out), got {shape}. "
            "A bias or a scale takes Zeros() or Constant(value)."
        )
    return math.prod(shape[:-1]), math.prod(shape[:-2]) * shape[-1]


@dataclass(frozen=True)
class _Scaled:
    """A zero-mean draw with a variance that follows from the weight's shape: the base of `Glorot`, `He` and `LeCun`."""

    gain: float | None = None
    distribution: str = "uniform"

    def __post_init__(self) -> None:
        who = type(self).__name__
        if self.gain is not None:
            check_number(who, "gain", self.gain)
            if self.gain <= 0:
                raise ValueError(
                    f"{who}: gain: expected a positive number or None, got {self.gain!r}. "
                    "With gain 0 all units would stay alike."
                )
            if self.gain > MAX_GAIN:
                raise ValueError(f"{who}: gain: expected at most {MAX_GAIN:g}, got {self.gain:g}.")
        if not is_one_of(self.distribution, DISTRIBUTIONS):
            raise ValueError(f"{who}: distribution: expected one of {DISTRIBUTIONS}, got {self.distribution!r}.")

    def variance(self, shape: Shape) -> float:
        """Return the variance of a weight of this shape."""
        raise NotImplementedError

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
        """Draw an array; the float32 values are the float64 values of the same generator, rounded."""
        who = type(self).__name__
        shape, dtype = _checked_shape(who, shape), as_float_dtype(who, dtype)
        check_rng(who, rng)
        deviation = math.sqrt(self.variance(shape))
        if self.distribution == "normal":
            values = rng.normal(0.0, deviation, shape)
        else:
            limit = math.sqrt(3.0) * deviation  # a uniform draw from [-a, a] has the variance a**2 / 3
            values = rng.uniform(-limit, limit, shape)
        return values.astype(dtype, copy=False)


@dataclass(frozen=True)
class Glorot(_Scaled):
    """The rule of Glorot (Xavier).

    It keeps the variance of activations and of gradients about equal from layer to layer.

    The variance is ``gain**2 * 2 / (fan_in + fan_out)``.

    Parameters
    ----------
    gain : float, optional
        Factor for the activation that follows; None stands for that activation's own gain (1 without a network).
    distribution : {"uniform", "normal"}
        Glorot and Bengio draw uniformly.

    Raises
    ------
    ValueError
        If the gain is not positive and finite, or the distribution unknown; when called, if the shape has no fans.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> weight = Glorot(gain=4.0)((100, 50), np.random.default_rng(0), np.float32)
    >>> weight.shape, weight.dtype
    ((100, 50), dtype('float32'))
    >>> bool(abs(weight).max() <= 4 * (6 / 150) ** 0.5)
    True
    """

    def variance(self, shape: Shape) -> float:
        """Return the variance of a weight of this shape."""
        fan_in, fan_out = _fans("Glorot", shape)
        return _gain(self) ** 2 * 2.0 / (fan_in + fan_out)


@dataclass(frozen=True)
class He(_Scaled):
    """The rule of He (Kaiming).

    It keeps the variance of the activations from layer to layer, in particular through ReLU.

    The variance is ``gain**2 / fan_in``; ReLU's gain is sqrt(2), which makes it the paper's 2 / fan_in.

    Parameters
    ----------
    gain : float, optional
        Factor for the activation that follows; None stands for that activation's own gain (1 without a network).
    distribution : {"uniform", "normal"}
        He et al. draw from the normal distribution.

    Raises
    ------
    ValueError
        If the gain is not positive and finite, or the distribution unknown; when called, if the shape has no fans.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> He(gain=2 ** 0.5).variance((3, 3, 16, 32)) * (3 * 3 * 16)
    2.0000000000000004
    """

    distribution: str = "normal"

    def variance(self, shape: Shape) -> float:
        """Return the variance of a weight of this shape."""
        fan_in, _ = _fans(type(self).__name__, shape)
        return _gain(self) ** 2 / fan_in


@dataclass(frozen=True)
class LeCun(_Scaled):
    """The rule of LeCun. The weighted sum of inputs of unit variance has unit variance.

    The variance is ``gain**2 / fan_in``, whatever activation follows.

    Parameters
    ----------
    gain : float, optional
        Factor on the standard deviation; 1 is the rule as published, None stands for the following activation's gain.
    distribution : {"uniform", "normal"}
        The paper leaves it open.

    Raises
    ------
    ValueError
        If the gain is not positive and finite, or the distribution unknown; when called, if the shape has no fans.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Mueller, "Efficient BackProp", in Neural Networks: Tricks of the Trade, 1998.

    Examples
    --------
    >>> LeCun().variance((200, 10))
    0.005
    """

    gain: float | None = 1.0

    def variance(self, shape: Shape) -> float:
        """Return the variance of a weight of this shape."""
        fan_in, _ = _fans(type(self).__name__, shape)
        return _gain(self) ** 2 / fan_in


@dataclass(frozen=True)
class Orthogonal:
    """A random matrix with orthonormal rows or columns, whichever are fewer: it keeps lengths, step after step.

    Parameters
    ----------
    gain : float
        Factor on the matrix.

    Raises
    ------
    ValueError
        If the gain is not positive and finite; when called, if the shape has no fans.

    References
    ----------
    A. Saxe, J. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", ICLR 2014.

    Examples
    --------
    >>> weight = Orthogonal()((4, 4), np.random.default_rng(0), np.float64)
    >>> bool(np.allclose(weight @ weight.T, np.eye(4)))
    True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_number("Orthogonal", "gain", self.gain)
        if not 0 < self.gain <= MAX_GAIN:
            raise ValueError(f"Orthogonal: gain: expected a positive number up to {MAX_GAIN:g}, got {self.gain!r}.")

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
        """Draw an array; leading axes count as rows."""
        shape, dtype = _checked_shape("Orthogonal", shape), as_float_dtype("Orthogonal", dtype)
        check_rng("Orthogonal", rng)
        rows, _ = _fans("Orthogonal", shape)
        draws = rng.standard_normal((rows, shape[-1]))
        vectors = draws if rows <= shape[-1] else draws.T.copy()
        # The method of Gram and Schmidt, twice, is exact enough. It uses no BLAS: sums of BLAS depend on its threads.
        for k in range(len(vectors)):
            for _ in range(2):
                shares = np.einsum("ij,j->i", vectors[:k], vectors[k])
                vectors[k] -= np.einsum("i,ij->j", shares, vectors[:k])
            vectors[k] /= math.sqrt(float(np.sum(np.square(vectors[k]))))
        values = self.gain * (vectors if rows <= shape[-1] else vectors.T)
        return np.ascontiguousarray(values.reshape(shape), dtype)


@dataclass(frozen=True)
class Constant:
    """The same value everywhere: for biases and scales.

    Parameters
    ----------
    value : float
        The value.

    Raises
    ------
    ValueError
        If the value is not finite.

    Examples
    --------
    >>> Constant(0.1)((3,), np.random.default_rng(0), np.float64)
    array([0.1, 0.1, 0.1])
    """

    value: float

    def __post_init__(self) -> None:
        check_number("Constant", "value", self.value)

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
        """Fill an array; nothing is drawn from the generator."""
        return np.full(_checked_shape("Constant", shape), self.value, as_float_dtype("Constant", dtype))


@dataclass(frozen=True)
class Zeros:
    """An array of zeros: the usual start of a bias.

    Examples
    --------
    >>> Zeros()((2,), np.random.default_rng(0), np.float64)
    array([0., 0.])
    """

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
        """Fill an array; nothing is drawn from the generator."""
        return np.zeros(_checked_shape("Zeros", shape), as_float_dtype("Zeros", dtype))


def _gain(initializer: _Scaled) -> float:
    return 1.0 if initializer.gain is None else float(initializer.gain)


def _checked_shape(who: str, shape: Shape) -> tuple[int, ...]:
    try:
        lengths = tuple(operator.index(length) for length in shape)
    except TypeError:
        raise ValueError(f"{who}: shape: expected a tuple of positive integers, got {shape!r}.") from None
    if any(length < 1 for length in lengths):
        raise ValueError(f"{who}: shape: expected a tuple of positive integers, got {lengths}.")
    return lengths
