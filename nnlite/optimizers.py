"""Optimizers: how parameters follow their gradients.

An optimizer is a frozen description. What it remembers between steps is a separate dict of arrays that `init` makes
and `update` changes, so a checkpoint of parameters and state is arrays and nothing else.

With g the gradient, lr the learning rate times the schedule's factor, and all operations element by element:

=================  ======================================================================================
`SGD`              ``p -= lr g``
with momentum mu   ``v = mu v + g;  p -= lr v``
with Nesterov      ``v = mu v + g;  p -= lr (g + mu v)``
`Adam`, step t     ``m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g**2;``
                   ``p -= lr (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + epsilon)``
=================  ======================================================================================

The formulas are PyTorch's. Before them, in this order:

- ``clip_norm`` scales all gradients by ``min(1, clip_norm / norm)``, where the norm is that of all gradients together
  (Pascanu et al. 2013);
- ``weight_decay`` adds ``weight_decay * p`` to the gradient of each array with two axes or more. Those are weights;
  biases and scales, with one axis, don't decay.

Gradients are left as they are. One that is not finite is refused before anything is changed.
"""

import functools
import math
import numbers
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nnlite.checks import check_flag

__all__ = ["SGD", "Adam", "Optimizer"]

Array = NDArray[np.floating]
State = dict[str, np.ndarray]
Gradients = Mapping[str, Any]  # arrays, or WeightGradient

BLOCK = 32768
"""Elements that are updated at a time: an optimizer's arrays are read from memory once and stay in the cache between
its operations, and what is allocated is a block and not an array."""


class NonFiniteGradient(ValueError):
    """A gradient has NaN or infinity in it.

    Attributes
    ----------
    name : str
        The parameter that it belongs to.
    """

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class Optimizer:
    """Base of all optimizers; one of your own derives from it and defines the two methods that raise here."""

    checks_gradients: ClassVar[bool] = False
    """True if `update` raises `NonFiniteGradient` for gradients that are not finite. If not, `train_step` does it."""

    takes_deferred: ClassVar[bool] = False
    """True if `update` takes gradients that are not computed yet, see :mod:`nnlite.layers.weight_gradients`."""

    def init(self, params: Mapping[str, Array]) -> State:
        """Make the state for these parameters: a flat dict of arrays, empty if nothing is remembered."""
        raise NotImplementedError

    def update(
        self, params: dict[str, Array], grads: Gradients, state: State, learning_rate_factor: float = 1.0
    ) -> None:
        """Do one step, in place.

        Parameters
        ----------
        params : dict of ndarray
            Parameters by name; changed.
        grads : dict of ndarray
            Gradients with the same names, shapes and dtypes; see also `takes_deferred`.
        state : dict of ndarray
            What `init` made for these parameters; changed.
        learning_rate_factor : float
            The schedule's factor on the learning rate.

        Raises
        ------
        ValueError
            If the three don't belong together, or a gradient is not finite (`NonFiniteGradient`). Nothing has been
            changed then.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    The state holds a velocity for each parameter, or nothing without momentum.

    Parameters
    ----------
    learning_rate : float
        Step size, more than 0.
    momentum : float
        Share of the velocity that is kept, in [0, 1). The velocity sums gradients up to ``1 / (1 - momentum)`` of one.
    nesterov : bool
        Look ahead by one velocity (Sutskever et al. 2013); needs momentum.
    weight_decay : float
        Factor of the weights that is added to their gradients, 0 or more.
    clip_norm : float, optional
        Largest norm of all gradients together.

    Raises
    ------
    ValueError
        If a value is out of its range.

    Examples
    --------
    >>> optimizer = SGD(learning_rate=0.5, momentum=0.5)
    >>> params = {"weight": np.array([[1.0, 2.0]])}
    >>> state = optimizer.init(params)
    >>> for _ in range(2):
    ...     optimizer.update(params, {"weight": np.array([[1.0, 0.0]])}, state)
    >>> params, state
    ({'weight': array([[-0.25,  2.  ]])}, {'velocity/weight': array([[1.5, 0. ]])})
    """

    checks_gradients: ClassVar[bool] = True
    takes_deferred: ClassVar[bool] = True
    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        _check_common("SGD", self.learning_rate, self.weight_decay, self.clip_norm)
        _check_number("SGD", "momentum", self.momentum, 0.0, 1.0, "a number in [0, 1)")
        check_flag("SGD", "nesterov", self.nesterov)
        if self.nesterov and self.momentum == 0:
            raise ValueError("SGD: nesterov: needs momentum, got momentum 0. Take 0.9, or leave nesterov out.")

    def init(self, params: Mapping[str, Array]) -> State:
        """Make the state: ``velocity/NAME`` for each parameter, or an empty dict without momentum."""
        return _zeros_like(params, "velocity") if self.momentum else {}

    def update(
        self, params: dict[str, Array], grads: Gradients, state: State, learning_rate_factor: float = 1.0
    ) -> None:
        """Do one step, in place; see `Optimizer.update`."""
        _check_step("SGD", params, grads, state, ("velocity",) if self.momentum else (), learning_rate_factor)
        rate, momentum = float(self.learning_rate) * float(learning_rate_factor), float(self.momentum)
        large = any(p.size > BLOCK for p in params.values())  # there is enough to do for a kernel
        grads = _computed(grads, self.clip_norm)
        scale = _clip_scale(grads, self.clip_norm)
        for name, p in params.items():
            velocity = (state[f"velocity/{name}"],) if momentum else ()
            factors = rate, momentum, scale, _decay(p, self.weight_decay), self.nesterov
            if momentum and large and all(array.flags.carray for array in (p, *velocity)):
                from nnlite.kernels import updates  # numba, which small networks do without

                step = updates.momentum_step(p.dtype, *factors)
            else:
                step = functools.partial(_descend, *factors)
            _apply(step, grads[name], p, *velocity)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Steps that are scaled by running means of the gradient and of its square (Kingma and Ba, ICLR 2015).

    The state holds two arrays for each parameter, and ``step``, the number of steps done (int64, no axes).

    Parameters
    ----------
    learning_rate : float
        About the size of a step in each parameter, more than 0.
    beta1, beta2 : float
        Share that the running mean of the gradient, and of its square, keep in a step; in [0, 1).
    epsilon : float
        Added to the root of the mean square, more than 0.
    weight_decay : float
        Factor of the weights that is added to their gradients, 0 or more (so it is scaled like them; Loshchilov and
        Hutter 2019 decay the weights outside of the scaling).
    clip_norm : float, optional
        Largest norm of all gradients together.

    Raises
    ------
    ValueError
        If a value is out of its range.

    Examples
    --------
    >>> optimizer = Adam(learning_rate=0.1)
    >>> params = {"bias": np.array([1.0, 1.0])}
    >>> state = optimizer.init(params)
    >>> optimizer.update(params, {"bias": np.array([100.0, -0.01])}, state)
    >>> params["bias"].round(4), int(state["step"])
    (array([0.9, 1.1]), 1)
    """

    checks_gradients: ClassVar[bool] = True
    takes_deferred: ClassVar[bool] = True
    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        _check_common("Adam", self.learning_rate, self.weight_decay, self.clip_norm)
        _check_number("Adam", "beta1", self.beta1, 0.0, 1.0, "a number in [0, 1)")
        _check_number("Adam", "beta2", self.beta2, 0.0, 1.0, "a number in [0, 1)")
        _check_positive("Adam", "epsilon", self.epsilon)

    def init(self, params: Mapping[str, Array]) -> State:
        """Make the state: ``mean/NAME`` and ``mean_square/NAME`` for each parameter, and ``step``."""
        return {
            "step": np.zeros((), np.int64),
            **_zeros_like(params, "mean"),
            **_zeros_like(params, "mean_square"),
        }

    def update(
        self, params: dict[str, Array], grads: Gradients, state: State, learning_rate_factor: float = 1.0
    ) -> None:
        """Do one step, in place; see `Optimizer.update`."""
        _check_step("Adam", params, grads, state, ("mean", "mean_square"), learning_rate_factor)
        if "step" not in state:
            raise ValueError("Adam: state: expected a step counter, got none. Make the state with init(params).")
        state["step"][...] += 1
        step = int(state["step"])
        rate = float(self.learning_rate) * float(learning_rate_factor) / (1.0 - float(self.beta1) ** step)
        root_correction = math.sqrt(1.0 - float(self.beta2) ** step)
        grads = _computed(grads, self.clip_norm)
        scale = _clip_scale(grads, self.clip_norm)
        for name, p in params.items():
            factors = rate, root_correction, scale, _decay(p, self.weight_decay)
            adapt = functools.partial(self._adapt, *factors)
            _apply(adapt, grads[name], p, state[f"mean/{name}"], state[f"mean_square/{name}"])

    @np.errstate(all="ignore")
    def _adapt(
        self,
        rate: float,
        root_correction: float,
        scale: float,
        decay: float,
        gradient: Array,
        parameters: Array,
        *means: Array,
    ) -> None:
        beta1, beta2, epsilon = float(self.beta1), float(self.beta2), float(self.epsilon)
        for unprepared, p, m, v in _blocks(gradient, parameters, *means):
            g = _prepared(unprepared, p, scale, decay)
            m += (1.0 - beta1) * (g - m)
            v *= beta2
            v += (1.0 - beta2) * np.square(g)
            p -= rate * m / (np.sqrt(v) / root_correction + epsilon)


def _apply(step: Callable[..., None], gradient: Any, *arrays: Array) -> None:
    """``step(gradient, *arrays)``, for the blocks of a `WeightGradient` in threads."""
    if hasattr(gradient, "for_each_block"):
        gradient.for_each_block(step, *arrays)
    else:
        step(gradient, *arrays)


@np.errstate(all="ignore")
def _descend(
    rate: float, momentum: float, scale: float, decay: float, ahead: bool, gradient: Array, *arrays: Array
) -> None:
    """Do a step of SGD on parameters and, with momentum, their velocity."""
    for unprepared, p, *velocity in _blocks(gradient, *arrays):
        g = _prepared(unprepared, p, scale, decay)
        if velocity:
            (v,) = velocity
            v *= momentum
            v += g
            g = g + momentum * v if ahead else v
        p -= rate * g


def _computed(grads: Gradients, clip_norm: float | None) -> Gradients:
    """Return gradients, computed if their norm is asked for."""
    return grads if clip_norm is None else {name: np.asarray(gradient) for name, gradient in grads.items()}


def _blocks(*arrays: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Yield views of some elements of each array at a time; all elements at once where an array isn't contiguous."""
    if arrays[0].size <= BLOCK or not all(array.flags.c_contiguous for array in arrays):
        yield list(arrays)
        return
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield [array[start : start + BLOCK] for array in flat]


def _prepared(gradient: Array, p: Array, scale: float, decay: float) -> Array:
    """Return the gradient after clipping and weight decay; itself, not a copy, if there is neither."""
    if scale != 1.0:
        gradient = gradient * scale
    return gradient + decay * p if decay else gradient


def _decay(p: Array, weight_decay: float) -> float:
    return float(weight_decay) if p.ndim >= 2 else 0.0


@np.errstate(all="ignore")
def _clip_scale(grads: Gradients, clip_norm: float | None) -> float:
    if clip_norm is None:
        return 1.0
    total = 0.0
    for name in sorted(grads):  # an order that doesn't depend on how the dict was filled
        for (block,) in _blocks(grads[name]):
            total += float(np.square(block, dtype=np.float64).sum())
    norm = math.sqrt(total)
    return 1.0 if norm <= clip_norm else float(clip_norm) / norm


def _zeros_like(params: Mapping[str, Array], kind: str) -> State:
    return {f"{kind}/{name}": np.zeros_like(p, order="C") for name, p in params.items()}


def _check_step(
    who: str, params: Mapping, grads: Mapping, state: Mapping, kinds: tuple[str, ...], factor: float
) -> None:
    from nnlite.layers.weight_gradients import is_finite  # loads the threads

    if not 0 <= factor < math.inf:
        raise ValueError(f"{who}: learning_rate_factor: expected a finite number of 0 or more, got {factor!r}.")
    if params.keys() != grads.keys():
        odd = sorted(params.keys() ^ grads.keys())
        raise ValueError(f"{who}: grads: expected the names of params, but {', '.join(odd)} is in one of them only.")
    for name, p in params.items():
        if grads[name].shape != p.shape or grads[name].dtype != p.dtype:
            expected, got = f"{p.shape} {p.dtype}", f"{grads[name].shape} {grads[name].dtype}"
            raise ValueError(f"{who}: grads: {name}: expected shape and dtype {expected}, got {got}.")
        for kind in kinds:
            remembered = state.get(f"{kind}/{name}")
            if remembered is None or remembered.shape != p.shape or remembered.dtype != p.dtype:
                got = "none" if remembered is None else f"{remembered.shape} {remembered.dtype}"
                raise ValueError(
                    f"{who}: state: {kind}/{name}: expected shape and dtype {p.shape} {p.dtype}, got {got}. "
                    "Make the state with init(params) of the same optimizer and parameters."
                )
    for name in params:
        if not is_finite(grads[name]):
            raise NonFiniteGradient(
                f"{who}: grads: {name}: expected finite numbers, got NaN or infinity. Lower the learning rate, scale "
                "the inputs to unit variance, or clip the gradient's norm.",
                name,
            )


def _check_common(who: str, learning_rate: float, weight_decay: float, clip_norm: float | None) -> None:
    _check_positive(who, "learning_rate", learning_rate)
    _check_number(who, "weight_decay", weight_decay, 0.0, math.inf, "a finite number of 0 or more")
    if clip_norm is not None:
        _check_positive(who, "clip_norm", clip_norm)


def _check_positive(who: str, name: str, value: float) -> None:
    _check_number(who, name, value, math.ulp(0.0), math.inf, "a positive finite number")


def _check_number(who: str, name: str, value: float, low: float, end: float, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not low <= float(value) < end:
        raise ValueError(f"{who}: {name}: expected {what}, got {value!r}.")
