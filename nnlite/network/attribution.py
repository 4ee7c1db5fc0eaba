"""Attribution: how much each input contributes to an output, by gradients, and by hiding parts of the input.

A *unit* is an output of a network, or of its first layers (`Sequential.until`). All is in inference: without noise, in
shards over threads, the same bits at any number of them.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnlite.checks import (
    as_numbers,
    check_callable,
    check_integer,
    check_mapping,
    count_samples,
    is_positive_integer,
)
from nnlite.layers.base import Params, Shape
from nnlite.network.sequential import Sequential, check_network
from nnlite.network.shards import check_reader, shards
from nnlite.runtime.threads import check_threads, for_each

WHO_OCCLUSION = "occlusion"


def input_gradient(
    network: Sequential,
    params: Params,
    x: Any,
    unit: Any,
    *,
    read: Callable[[Any], np.ndarray] | None = None,
    n_threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the value of a unit for each sample, and its gradient with respect to the sample.

    Parameters
    ----------
    network : Sequential
        For a unit of an inner layer ``network.until(stop)``.
    params : dict
        The network's, or those of a longer one that begins with its layers.
    x : array_like (n_samples, *input_shape)
        Also anything that is indexed like an array.
    unit : int, tuple or callable
        Index in the output of one sample: ``3``, or ``(5, 7, 3)`` for row 5, column 7 and channel 3. Where it picks
        several (``np.s_[..., 3]``: the channel at all places) their sum counts. Or any scalar of each sample's output:
        ``unit(output) -> (values, gradient)``, of shapes (n,) and that of `output`, (n, *output_shape).
    read : callable, optional
        Applied to each shard of `x`: a conversion or scaling. The gradient is with respect to what it returns.
    n_threads : int, optional

    Returns
    -------
    values : ndarray (n_samples,)
        float64.
    gradient : ndarray (n_samples, *input_shape)
        In the dtype of the parameters.

    Raises
    ------
    IndexError
        If there is no such unit.
    ValueError
        If samples, parameters or what the callable returns have other shapes.

    Examples
    --------
    >>> import nnlite as nn
    >>> net = nn.Sequential([nn.Dense(3), nn.ReLU(), nn.Dropout(0.5), nn.Dense(2)], input_shape=(4,))
    >>> params = net.init(np.random.default_rng(0))
    >>> x = np.ones((5, 4), np.float32)
    >>> values, gradient = nn.input_gradient(net, params, x, 1)
    >>> bool((values == net.apply(params, x)[:, 1]).all()), gradient.shape
    (True, (5, 4))
    >>> _, inner = nn.input_gradient(net.until(1), params, x, 2)
    >>> bool((inner == params["0.weight"][:, 2]).all())
    True
    """
    return _input_gradient("input_gradient", network, params, x, unit, read, n_threads)


def _input_gradient(
    who: str,
    network: Sequential,
    params: Params,
    x: Any,
    unit: Any,
    read: Callable[[Any], np.ndarray] | None,
    n_threads: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `input_gradient` does; errors begin with `who`."""
    check_network(who, network)
    check_mapping(who, "params", params, "a dict of arrays")
    check_reader(who, read)
    check_threads(who, n_threads)
    pick = unit if callable(unit) else _picker(who, network.output_shape, unit)
    quiet = network.noiseless()
    prepared = quiet.prepare(quiet.own(params), who=who)
    dtype = next((value.dtype for value in prepared.values()), np.dtype(np.float32))
    n_samples = count_samples(who, "x", x)
    values, gradients = np.empty(n_samples), np.empty((n_samples, *network.input_shape), dtype)

    def run(rows: slice) -> None:
        part = x[rows] if read is None else read(x[rows])
        output, cache = quiet.forward(prepared, part, np.random.default_rng(0), who=who)  # nothing draws from it
        picked, dy = pick(output)
        if np.shape(picked) != (len(output),) or np.shape(dy) != output.shape:
            raise ValueError(
                f"{who}: unit: expected values and gradient of shapes {(len(output),)} and {output.shape}, "
                f"got {np.shape(picked)} and {np.shape(dy)}."
            )
        values[rows] = picked
        gradients[rows], _ = quiet.backward(prepared, cache, np.asarray(dy, output.dtype))

    for_each(run, shards(n_samples), n_threads)
    return values, gradients


def gradient_times_input(
    network: Sequential,
    params: Params,
    x: Any,
    unit: Any,
    *,
    baseline: Any = 0.0,
    n_threads: int | None = None,
) -> np.ndarray:
    """Return how much each input contributes to a unit, to first order.

    That is its distance from a baseline times the gradient.

    For a linear network, the sum over a sample is how much the value falls when the sample becomes the baseline.

    Parameters
    ----------
    network : Sequential
    params : dict
    x : array_like (n_samples, *input_shape)
    unit : int, tuple or callable
        As for `input_gradient`.
    baseline : number or array_like
        A neutral input, in a shape that broadcasts to that of `x`.
    n_threads : int, optional

    Returns
    -------
    ndarray (n_samples, *input_shape)

    Examples
    --------
    >>> import nnlite as nn
    >>> net = nn.Sequential([nn.Dense(1)], input_shape=(3,))
    >>> params = {"0.weight": np.array([[1.0], [2.0], [-3.0]]), "0.bias": np.zeros(1)}
    >>> nn.gradient_times_input(net, params, np.array([[1.0, 1.0, 2.0]]), 0).tolist()
    [[1.0, 2.0, -6.0]]
    """
    who = "gradient_times_input"
    _, gradient = _input_gradient(who, network, params, x, unit, None, n_threads)
    samples = as_numbers(who, "x", x)
    hidden = _broadcast(who, as_numbers(who, "baseline", baseline), samples.shape)
    return (samples - hidden).astype(gradient.dtype) * gradient


def occlusion(
    predict: Callable[[np.ndarray], np.ndarray],
    x: Any,
    window: Sequence[int],
    *,
    baseline: Any = 0.0,
    stride: Sequence[int] | None = None,
    batch_size: int = 1024,
) -> np.ndarray:
    """Return how much a value falls when a window of the input is hidden, for each place of the window.

    This measures, for any function, what `gradient_times_input` estimates to first order.

    Parameters
    ----------
    predict : callable
        ``predict(x)`` gives a value, or an array of them, for each of any number of samples; see `nnlite.predict`.
    x : array_like (n_samples, *shape)
    window : sequence of int
        Size along each axis of a sample: (5, 10, 1), or the whole axis.
    baseline : number or array_like
        The values in place of the hidden ones, in a shape that broadcasts to that of `x`.
    stride : sequence of int, optional
        Distance of neighbouring places along each axis; by default the window's size, so that windows don't overlap.
        The last window of an axis may be cut off by its end.
    batch_size : int
        Samples that are asked for at a time at most.

    Returns
    -------
    ndarray (n_samples, *number of places along each axis, *shape of a value)
        Value of the sample as it is, less that with the window hidden: above 0 what speaks for a high value.

    Raises
    ------
    ValueError
        If window, stride or baseline don't fit the samples.

    References
    ----------
    M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.

    Examples
    --------
    >>> weights = np.array([1.0, 2.0, -3.0, 4.0])
    >>> occlusion(lambda x: x @ weights, np.ones((1, 4)), (2,)).tolist()
    [[3.0, 1.0]]
    """
    who = WHO_OCCLUSION
    check_callable(who, "predict", predict, "a function of samples")
    check_integer(who, "batch_size", batch_size)
    x = as_numbers(who, "x", x)
    if x.ndim < 2:
        raise ValueError(f"{who}: x: expected shape (n_samples, ...), got {x.shape}.")
    size = _sizes("window", window, x.shape[1:])
    step = size if stride is None else _sizes("stride", stride, x.shape[1:])
    hidden = _broadcast(who, as_numbers(who, "baseline", baseline).astype(x.dtype), x.shape)
    counts = tuple(-(-max(n - w, 0) // s) + 1 for n, w, s in zip(x.shape[1:], size, step, strict=True))
    places = list(itertools.product(range(len(x)), *map(range, counts)))
    whole = np.asarray(predict(x))
    result = np.empty((len(x), *counts, *whole.shape[1:]), np.result_type(whole, np.float32))
    for first in range(0, len(places), batch_size):
        block = places[first : first + batch_size]
        samples = [place[0] for place in block]
        batch = x[samples]
        for k, place in enumerate(block):
            inside: Any = tuple(slice(p * s, p * s + w) for p, s, w in zip(place[1:], step, size, strict=True))
            batch[(k, *inside)] = hidden[(place[0], *inside)]
        without = np.asarray(predict(batch))
        result[tuple(np.transpose(block))] = whole[samples] - without
    return result


def _broadcast(who: str, baseline: np.ndarray, shape: Shape) -> np.ndarray:
    """Return a baseline in the shape of the samples."""
    try:
        return np.broadcast_to(baseline, shape)
    except ValueError:
        raise ValueError(
            f"{who}: baseline: expected a shape that broadcasts to {shape}, got {baseline.shape}."
        ) from None


def _picker(who: str, output_shape: Shape, unit: Any) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return a function that sums the outputs that an index picks, and gives the gradient of the sum."""
    picked = np.zeros(output_shape)
    try:
        if unit is None or isinstance(unit, bool) or np.size(picked[unit]) == 0:
            raise IndexError
        picked[unit] = 1.0
    except (IndexError, TypeError, ValueError):
        raise IndexError(
            f"{who}: unit: expected an index in an output of shape {output_shape}, got {unit!r}."
        ) from None
    flat = np.flatnonzero(picked)

    def pick(output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = output.reshape(len(output), math.prod(output_shape))[:, flat].sum(axis=1, dtype=np.float64)
        return values, np.broadcast_to(picked.astype(output.dtype), output.shape)

    return pick


def _sizes(name: str, sizes: Sequence[int], shape: Shape) -> Shape:
    given = tuple(sizes) if isinstance(sizes, (tuple, list, np.ndarray)) else (sizes,)
    if len(given) != len(shape) or not all(map(is_positive_integer, given)):
        raise ValueError(
            f"{WHO_OCCLUSION}: {name}: expected {len(shape)} positive integers, one for each axis of a sample of shape "
            f"{shape}, got {sizes}."
        )
    return tuple(int(v) for v in given)
