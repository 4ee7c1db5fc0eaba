"""The contract of a layer, on which networks, training, threads and files rely."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlite.checks import check_number, check_rng, is_positive_integer
from nnlite.layers.base import Layer, Params, Shape
from nnlite.layers.branches import Branching
from nnlite.layers.time_distributed import TimeDistributed
from nnlite.network.shards import in_step
from nnlite.testing.comparison import distance, fail, require, same_bits, same_dicts
from nnlite.testing.facts import check_facts
from nnlite.testing.gradients import check_gradients


def check_layer(layer: Layer, input_shape: Shape, rng: np.random.Generator, *, tolerance: float = 1e-6) -> None:
    """Hold a layer against the contract that networks, training, threads and files rely on.

    The description is frozen, hashable and comparable. Output, parameters and gradients have the shapes and the dtype
    that they should have, in float32 and float64, for batches of three, one and none. Arguments are left as they are,
    may be strided or read-only, and equal arguments give equal bits, with prepared parameters too. `apply` is the
    `forward` of the layer that `noiseless` returns. Shards of a batch give together what the whole batch gives. float32
    agrees with float64, and the gradients with differences (see :func:`check_gradients`). What the layer says of
    itself, such as the shapes of its parameters or the layers that it does in one, fits what it does.

    Parameters
    ----------
    layer : Layer
        The layer to check.
    input_shape : tuple of int
        Shape of one sample.
    rng : numpy.random.Generator
        Draws parameters and a standard normal batch.
    tolerance : float
        Tolerance of the gradient check.

    Raises
    ------
    AssertionError
        If the layer breaks the contract; the message says where.

    Notes
    -----
    A layer of branches with a bias right before a `BatchNorm` fails: the gradient of that bias is zero, and what is
    left of it is rounding, which agrees with nothing. Check the layers of such a block one by one.

    Examples
    --------
    A layer of one's own, a factor for each channel:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> import nnlite as nn
    >>> @dataclass(frozen=True)
    ... class Scale(nn.Layer):
    ...     def init(self, input_shape, rng, dtype):
    ...         return {"factor": np.ones(input_shape[-1], dtype)}
    ...     def forward(self, params, x, rng):
    ...         return self.apply(params, x), x
    ...     def backward(self, params, cache, dy, input_grad=True):
    ...         axes = tuple(range(dy.ndim - 1))
    ...         return (dy * params["factor"] if input_grad else None), {"factor": (dy * cache).sum(axes)}
    ...     def apply(self, params, x):
    ...         return x * params["factor"]
    >>> nn.check_layer(Scale(), (5, 3), np.random.default_rng(0))
    """
    require(
        isinstance(layer, Layer), f"check_layer: expected an instance of a subclass of nnlite.Layer, got {layer!r}."
    )
    own = vars(type(layer))
    require(
        "__init__" not in own or "__dataclass_fields__" in own,
        f"check_layer: layer: expected an instance of a dataclass, got {type(layer).__name__}, which has an __init__ "
        "instead. Write @dataclass(frozen=True) above the class, and its settings as fields.",
    )
    if not isinstance(input_shape, (tuple, list)) or not all(map(is_positive_integer, input_shape)):
        raise ValueError(f"check_layer: input_shape: expected a tuple of positive integers, got {input_shape!r}.")
    check_rng("check_layer", rng)
    check_number("check_layer", "tolerance", tolerance, low=0, expected="a finite number of 0 or more")
    case = _Case(layer, tuple(input_shape), int(rng.integers(2**63)))
    for check in (
        _check_description,
        _check_init,
        _check_shapes,
        _check_untouched,
        _check_repeatable,
        _check_prepare,
        _check_apply,
        _check_memory,
        _check_batch_sizes,
        _check_precision,
        _check_facts,
    ):
        check(case)
    check_gradients(layer, rng, input_shape=case.input_shape, tolerance=tolerance)
    _check_shards(case)


class _Case:
    """A layer with parameters, a batch and an output gradient, the same ones each time they are asked for."""

    def __init__(self, layer: Layer, input_shape: Shape, seed: int) -> None:
        self.layer, self.input_shape, self.seed = layer, input_shape, seed
        self.who = f"check_layer: {layer!r} on input of shape {input_shape}"
        self.output_shape = layer.output_shape(input_shape)

    def require(self, condition: bool, message: str) -> None:
        require(condition, f"{self.who}: {message}")

    def params(self, dtype: Any = np.float32) -> dict[str, np.ndarray]:
        return {name: p.astype(dtype) for name, p in self.layer.init(self.input_shape, self.rng(), np.float32).items()}

    def rng(self, offset: int = 0) -> np.random.Generator:
        return np.random.default_rng((self.seed, offset))

    def x(self, n: int = 3, dtype: Any = np.float32) -> np.ndarray:
        return self.rng(1).standard_normal((n, *self.input_shape), np.float32).astype(dtype)

    def dy(self, n: int = 3, dtype: Any = np.float32) -> np.ndarray:
        return self.rng(2).standard_normal((n, *self.output_shape), np.float32).astype(dtype)

    def run(self, params: Params, x: np.ndarray, dy: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """Yield all that the layer computes, by name, from these very arrays."""
        y, cache = self.layer.forward(params, x, self.rng(3))
        yield "output of forward", y
        yield "output of apply", self.layer.apply(params, x)
        dx, grads = self.layer.backward(params, cache, dy)
        if dx is None:
            fail(f"{self.who}: backward: expected the gradient of the input, got None.")
        yield "gradient of the input", dx
        for name in sorted(grads):
            yield f"gradient of {name!r}", grads[name]

    def require_same(self, expected: Any, actual: Any, when: str) -> None:
        for (name, a), (_, b) in zip(expected, actual, strict=True):
            self.require(same_bits(a, b), f"{name}: expected the same bits {when}, got others.")

    def has_noise(self) -> bool:
        first, second = (self.layer.forward(self.params(), self.x(), self.rng(k))[0] for k in (3, 4))
        return not same_bits(first, second)


def _check_description(case: _Case) -> None:
    layer = case.layer
    try:
        hash(layer)
    except TypeError as error:
        fail(f"{case.who}: expected a hashable description, got {error}. Use tuples for lists and names for arrays.")
    case.require(dataclasses.replace(layer) == layer, "expected a copy to be equal.")
    case.require(repr(layer).startswith(type(layer).__qualname__), "repr: expected it to start with the class.")
    shape = case.output_shape
    integers = isinstance(shape, tuple) and all(isinstance(v, int) for v in shape)
    case.require(integers, f"output_shape: expected a tuple of int, got {shape!r}.")


def _check_init(case: _Case) -> None:
    both = {dtype: case.layer.init(case.input_shape, case.rng(), dtype) for dtype in (np.float32, np.float64)}
    for dtype, params in both.items():
        for name, value in params.items():
            plain = isinstance(name, str) and name and not _is_derived(name)
            case.require(bool(plain), f"init: expected a name that does not start with '_', got {name!r}.")
            case.require(
                "." not in name or isinstance(case.layer, (Branching, TimeDistributed)),
                f"init: expected a name without '.', which joins the names of layers inside of others, got {name!r}.",
            )
            case.require(value.dtype == dtype, f"init: {name!r}: expected {np.dtype(dtype)}, got {value.dtype}.")
    shapes = [{name: value.shape for name, value in params.items()} for params in both.values()]
    case.require(shapes[0] == shapes[1], f"init: expected equal shapes in float32 and float64, got {shapes}.")
    again = case.layer.init(case.input_shape, case.rng(), np.float32)
    case.require(same_dicts(again, both[np.float32]), "init: expected equal parameters from equal generators.")


def _check_shapes(case: _Case) -> None:
    for dtype in (np.float32, np.float64):
        params, x = case.params(dtype), case.x(dtype=dtype)
        _check_results(case, 3, params, x, case.dy(dtype=dtype))
        _, cache = case.layer.forward(params, x, case.rng(3))
        _, grads = case.layer.backward(params, cache, case.dy(dtype=dtype))
        dx, without = case.layer.backward(params, cache, case.dy(dtype=dtype), input_grad=False)
        case.require(dx is None, "backward: expected None with input_grad=False, got an array.")
        case.require(same_dicts(grads, without), "backward: expected the same gradients with input_grad=False.")


def _check_results(case: _Case, n: int, params: Params, x: np.ndarray, dy: np.ndarray) -> dict[str, np.ndarray]:
    """Return the results of a layer for `n` samples, after a check of shapes, dtypes and NaN."""
    results = dict(case.run(params, x, dy))
    shapes = {"output of forward": (n, *case.output_shape), "output of apply": (n, *case.output_shape)}
    shapes |= {"gradient of the input": x.shape} | {f"gradient of {name!r}": p.shape for name, p in params.items()}
    case.require(set(results) == set(shapes), f"backward: expected {sorted(shapes)}, got {sorted(results)}.")
    for name, value in results.items():
        got = f"{value.shape} of {value.dtype}"
        expected = f"{shapes[name]} of {x.dtype}"
        case.require(got == expected, f"{name}: expected shape {expected}, got {got} for a batch of {n}.")
        case.require(bool(np.isfinite(value).all()), f"{name}: expected finite numbers, got NaN or infinity.")
    return results


def _check_untouched(case: _Case) -> None:
    params, x, dy = case.params(), case.x(), case.dy()
    list(case.run(params, x, dy))
    case.layer.prepare(params)
    case.require(same_dicts(params, case.params()), "expected `params` to be left as they are; they were modified.")
    case.require(same_bits(x, case.x()), "expected `x` to be left as it is; it was modified.")
    case.require(same_bits(dy, case.dy()), "expected `dy` to be left as it is; it was modified.")


def _check_repeatable(case: _Case) -> None:
    first, second = (
        [(name, value.copy()) for name, value in case.run(case.params(), case.x(), case.dy())] for _ in "ab"
    )
    case.require_same(first, second, "from equal arguments and generators")


def _check_prepare(case: _Case) -> None:
    params = case.params()
    prepared = case.layer.prepare(params)
    case.require(
        all(prepared.get(name) is value for name, value in params.items()), "prepare: expected all of `params`."
    )
    extra = sorted(set(prepared) - set(params))
    case.require(all(map(_is_derived, extra)), f"prepare: expected names that start with '_', got {extra}.")
    plain = case.run(params, case.x(), case.dy())
    case.require_same(plain, case.run(prepared, case.x(), case.dy()), "from prepared parameters")
    plain = case.run(params, case.x(), case.dy())
    case.require_same(plain, case.run(case.layer.prepare(prepared), case.x(), case.dy()), "when prepared twice")


def _check_apply(case: _Case) -> None:
    if case.layer.noiseless() == case.layer and not case.has_noise():
        y, _ = case.layer.forward(case.params(), case.x(), case.rng(3))
        same = same_bits(case.layer.apply(case.params(), case.x()), y)
        case.require(same, "apply: expected the output of forward, which is without noise, to the bit.")
    quiet = case.layer.noiseless()
    shapes = {name: value.shape for name, value in case.params().items()}
    own = {name: value.shape for name, value in quiet.init(case.input_shape, case.rng(), np.float32).items()}
    case.require(own == shapes, f"noiseless: expected a layer with parameters of shapes {shapes}, got {own}.")
    y, _ = quiet.forward(case.params(), case.x(), case.rng(3))
    same = same_bits(case.layer.apply(case.params(), case.x()), y)
    case.require(same, "noiseless: expected a layer whose forward gives the output of apply, to the bit.")


def _check_memory(case: _Case) -> None:
    plain = list(case.run(case.params(), case.x(), case.dy()))
    strided = case.run(case.params(), _strided(case.x()), _strided(case.dy()))
    case.require_same(plain, strided, "from strided arrays")
    params, x, dy = case.params(), case.x(), case.dy()
    for array in (*params.values(), x, dy):
        array.flags.writeable = False
    case.require_same(plain, case.run(params, x, dy), "from read-only arrays")


def _check_batch_sizes(case: _Case) -> None:
    results = {n: _check_results(case, n, case.params(), case.x(3)[:n], case.dy(3)[:n]) for n in (0, 1, 3)}
    one, three = (results[n]["output of apply"][:1] for n in (1, 3))
    case.require(
        distance(one, three) < 1e-4, "apply: expected a sample's output not to depend on the rest of the batch."
    )
    for name in case.params():
        zero = not results[0][f"gradient of {name!r}"].any()
        case.require(zero, f"gradient of {name!r}: expected zeros for an empty batch.")


def _check_shards(case: _Case) -> None:
    """Check that shards of a batch give together what the whole batch gives."""
    if case.has_noise():
        return
    params, x, dy = case.params(np.float64), case.x(4, np.float64), case.dy(4, np.float64)
    y, cache = case.layer.forward(params, x, case.rng(3))
    dx, grads = case.layer.backward(params, cache, dy)
    cuts = (slice(0, 1), slice(1, 4))
    outputs = list(in_step([case.layer.forward_shard(params, x[cut], case.rng(3)) for cut in cuts], 1))
    caches = [inner for _, inner in outputs]
    ways = zip(caches, cuts, strict=True)
    gradients = list(in_step([case.layer.backward_shard(params, inner, dy[cut]) for inner, cut in ways], 1))
    pairs: dict[str, tuple[Any, Any]] = {
        "output of forward": (y, np.concatenate([part for part, _ in outputs])),
        "gradient of the input": (dx, np.concatenate([part for part, _ in gradients])),
    }
    for name, expected in grads.items():
        pairs[f"gradient of {name!r}"] = expected, sum(np.asarray(inner[name]) for _, inner in gradients)
    for name, (expected, got) in pairs.items():
        close = distance(np.asarray(got), np.asarray(expected)) < 1e-9
        case.require(close, f"{name}: expected of the shards of a batch what the whole batch gives, got other numbers.")
    _check_follow(case, params, cache, caches)


def _check_follow(case: _Case, params: Params, cache: Any, caches: list[Any]) -> None:
    names = case.layer.untrained()
    shapes = {name: params[name].shape for name in names if name in params}
    case.require(len(shapes) == len(names), f"untrained: expected names of parameters, got {names}.")
    expected = case.layer.follow(params, cache)
    got = {name: value.shape for name, value in expected.items()}
    case.require(got == shapes, f"follow: expected the parameters of `untrained`, {shapes}, got {got}.")
    for one in caches:
        close = all(distance(value, expected[name]) < 1e-9 for name, value in case.layer.follow(params, one).items())
        case.require(close, "follow: expected of each shard what the whole batch gives, got other numbers.")


def _check_precision(case: _Case) -> None:
    single, double = (
        dict(case.run(case.params(dtype), case.x(dtype=dtype), case.dy(dtype=dtype)))
        for dtype in (np.float32, np.float64)
    )
    # Noise may be drawn in the dtype of the input.
    for name in ["output of apply"] if case.has_noise() else single:
        error = distance(single[name], double[name])
        case.require(
            error < 1e-4, f"{name}: expected float32 close to float64, got a relative distance of {error:.1e}."
        )


def _check_facts(case: _Case) -> None:
    check_facts(case.layer, case.input_shape, case.params(), case.x(), case.require)


def _is_derived(name: str) -> bool:
    """Return whether a name is one of what `prepare` adds: "_patches", or "layers.0._patches" of a layer inside."""
    return name.rpartition(".")[2].startswith("_")


def _strided(array: np.ndarray) -> np.ndarray:
    """Return the same values with a NaN after each."""
    spread = np.full((*array.shape, 2), np.nan, array.dtype)
    spread[..., 0] = array
    return spread[..., 0]
