"""Parameters as PyTorch names and arranges them, and back, bit for bit.

Both directions follow from one description: each parameter of a network is, up to the order of its axes, one entry of
the state dictionary.

==========  =============================================  ===========================================
parameter   here                                           in PyTorch
==========  =============================================  ===========================================
Conv2D      weight (kernel_height, kernel_width, in, out)  weight (out, in, kernel_height, kernel_width)
Dense       weight (in, out)                               weight (out, in)
both        bias (out,)                                    bias (out,)
GRU, LSTM   weight, recurrent_weight (in, gates * units)   weight_ih_l0, weight_hh_l0 (gates * units, in)
            bias, recurrent_bias (gates * units,)          bias_ih_l0, bias_hh_l0 (gates * units,)
            the same with reverse_ before the name         the same with _reverse behind it
LayerNorm   scale, shift (features,)                       weight, bias (features,)
==========  =============================================  ===========================================

Images are (height, width, channels) here and (channels, height, width) there, so behind `Flatten` the inputs of a
`Dense` layer come in another order too; its weight is rearranged accordingly. Behind `Permute` and `Reshape` the order
is the one here: a module in PyTorch has to bring its arrays into it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nnlite.exchange.stack import Plain, not_exchanged, plain_layers
from nnlite.layers.activations import ReLU, Sigmoid, Softmax, Tanh
from nnlite.layers.base import Layer, Params, Shape
from nnlite.layers.conv import Conv2D
from nnlite.layers.dense import Dense
from nnlite.layers.dropout import Dropout
from nnlite.layers.global_pooling import GlobalAveragePooling, GlobalMaxPooling
from nnlite.layers.normalization import LayerNorm
from nnlite.layers.pooling import AveragePool2D, MaxPool2D
from nnlite.layers.recurrent import GRU, LSTM, PARAMETERS
from nnlite.layers.reshape import Flatten, Permute, Reshape
from nnlite.network import Sequential
from nnlite.parameters import check_params

WITHOUT_PARAMETERS = (
    AveragePool2D,
    Dropout,
    Flatten,
    GlobalAveragePooling,
    GlobalMaxPooling,
    Layer,
    MaxPool2D,
    Permute,
    ReLU,
    Reshape,
    Sigmoid,
    Softmax,
    Tanh,
)
THEIR_NAMES = dict(zip(PARAMETERS, ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), strict=True))
SUPPORTED = ", ".join(sorted(kind.__name__ for kind in (Conv2D, Dense, GRU, LayerNorm, LSTM, *WITHOUT_PARAMETERS)))


def to_torch_state_dict(
    network: Sequential, params: Params, names: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Parameters of a network as a state dictionary for the same layers in PyTorch.

    Parameters
    ----------
    network : Sequential
    params : dict
        Of the network, in float32 or float64.
    names : sequence of str, optional
        Of the PyTorch modules that take the parameters, in the order of the layers that have some: ``["conv1", "fc"]``.
        By default those of a ``torch.nn.Sequential`` that has a module for each layer, also for those without
        parameters: "0", "4". A ConvMaxPool2D and an ActivationDropout are two modules there, a
        DenseActivation two or three.

    Returns
    -------
    dict
        Name -> array, for ``module.load_state_dict({name: torch.from_numpy(array) for name, array in ...})``. The
        arrays are copies.

    Raises
    ------
    TypeError
        If the network has a layer that PyTorch has no module for, or a Dense layer on images.
    ValueError
        If the parameters aren't the network's, or the names don't fit it.

    Notes
    -----
    A network that ends in `Flatten` without a Dense layer behind it has its outputs in another order in PyTorch.

    Examples
    --------
    >>> import nnlite as nn
    >>> network = nn.Sequential([nn.Conv2D(4, 3), nn.Flatten(), nn.Dense(2)], input_shape=(8, 8, 1))
    >>> params = network.init(np.random.default_rng(0))
    >>> {name: array.shape for name, array in nn.to_torch_state_dict(network, params).items()}
    {'0.weight': (4, 1, 3, 3), '0.bias': (4,), '2.weight': (2, 144), '2.bias': (2,)}
    """
    who = "to_torch_state_dict"
    check_params(who, network, params)
    return {entry.theirs: entry.to_torch(params[entry.ours]) for entry in _entries(who, network, names)}


def from_torch_state_dict(
    network: Sequential, state_dict: Mapping[str, Any], names: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Parameters for a network from the state dictionary of the same layers in PyTorch.

    Parameters
    ----------
    network : Sequential
    state_dict : dict
        Name -> tensor or array, as ``module.state_dict()`` returns it, in float32 or float64.
    names : sequence of str, optional
        Of the PyTorch modules that have parameters, in the order of the layers that take them. `torch_modules` lists
        them as they stand in a state dictionary. By default those of a ``torch.nn.Sequential``, see
        `to_torch_state_dict`.

    Returns
    -------
    dict
        Parameters of the network; the arrays are copies.

    Raises
    ------
    TypeError
        If the network has a layer that PyTorch has no module for, or the state holds something else than numbers.
    ValueError
        If the names don't fit the network, a key is missing or not expected, or an array has another shape or dtype.

    Examples
    --------
    >>> import nnlite as nn
    >>> network = nn.Sequential([nn.Dense(2)], input_shape=(3,))
    >>> state = {"head.weight": np.ones((2, 3), np.float32), "head.bias": np.zeros(2, np.float32)}
    >>> params = nn.from_torch_state_dict(network, state, names=["head"])
    >>> network.apply(params, np.ones((1, 3), np.float32))
    array([[3., 3.]], dtype=float32)
    """
    who = "from_torch_state_dict"
    entries = _entries(who, network, names)
    _check_keys(who, [entry.theirs for entry in entries], state_dict)
    arrays = {name: _as_array(f"{who}: state_dict: {name}", value) for name, value in state_dict.items()}
    if len(dtypes := sorted({str(array.dtype) for array in arrays.values()})) > 1:
        raise ValueError(f"{who}: state_dict: expected float32 for all, or float64 for all, got {', '.join(dtypes)}.")
    for entry in entries:
        if (shape := arrays[entry.theirs].shape) != entry.torch_shape:
            raise ValueError(
                f"{who}: state_dict: {entry.theirs}: expected shape {entry.torch_shape}, since the network has "
                f"{entry.ours} of shape {entry.shape}, got {shape}."
            )
    return {entry.ours: entry.from_torch(arrays[entry.theirs]) for entry in entries}


def torch_modules(state_dict: Iterable[str]) -> list[str]:
    """Names of the modules that a state dictionary has parameters of, in its order.

    That order is the one in which PyTorch's constructor made the modules; where data passes them in the same order,
    this is what `from_torch_state_dict` takes as `names`.

    Parameters
    ----------
    state_dict : dict or iterable of str

    Examples
    --------
    >>> torch_modules(["features.0.weight", "features.0.bias", "head.weight", "head.bias"])
    ['features.0', 'head']
    """
    return list(dict.fromkeys(name.rpartition(".")[0] for name in state_dict))


class _Entry(NamedTuple):
    """A parameter under both names: `shape`, in the finer axes `split`, those in another `order`, joined again."""

    ours: str
    theirs: str
    shape: Shape
    split: Shape
    order: tuple[int, ...]
    torch_shape: Shape

    def to_torch(self, array: np.ndarray) -> np.ndarray:
        return np.array(array.reshape(self.split).transpose(self.order).reshape(self.torch_shape), order="C")

    def from_torch(self, array: np.ndarray) -> np.ndarray:
        permuted = array.reshape([self.split[axis] for axis in self.order])
        return np.array(permuted.transpose(np.argsort(self.order)).reshape(self.shape), order="C")


def _entries(who: str, network: Sequential, names: Sequence[str] | None) -> list[_Entry]:
    """All parameters of a network, in its order."""
    modules: list[tuple[str, list[_Entry]]] = []
    image: Shape | None = None  # (height, width, channels) of what was flattened
    for index, plain in enumerate(plain_layers(network)):
        if type(plain.layer) is Flatten:
            image = plain.input_shape if len(plain.input_shape) == 3 else image
        elif type(plain.layer) is Conv2D:
            modules.append((str(index), _conv(plain)))
        elif type(plain.layer) is Dense:
            modules.append((str(index), _dense(who, plain, image)))
            image = None
        elif type(plain.layer) in (GRU, LSTM):
            modules.append((str(index), _recurrent(plain)))
        elif type(plain.layer) is LayerNorm:
            modules.append((str(index), _layer_norm(who, plain)))
        elif type(plain.layer) not in WITHOUT_PARAMETERS:
            raise not_exchanged(who, plain, SUPPORTED)
    if names is None:
        names = [name for name, _ in modules]
    elif isinstance(names, str) or len(names) != len(modules) or len(set(names)) != len(modules):
        raise ValueError(
            f"{who}: names: expected {len(modules)} different names, one for each layer with parameters, got {names!r}."
        )
    return [
        entry._replace(theirs=f"{name}.{entry.theirs}" if name else entry.theirs)
        for name, (_, entries) in zip(names, modules, strict=True)
        for entry in entries
    ]


def _conv(plain: Plain) -> list[_Entry]:
    layer: Any = plain.layer
    (height, width), channels, filters = layer.kernel, plain.input_shape[2], layer.filters
    shape = (height, width, channels, filters)
    weight = _Entry(f"{plain.source}.weight", "weight", shape, shape, (3, 2, 0, 1), (filters, channels, height, width))
    return [weight, _bias(plain, filters)]


def _dense(who: str, plain: Plain, image: Shape | None) -> list[_Entry]:
    layer: Any = plain.layer
    if len(plain.input_shape) == 3:
        why = " PyTorch's Linear works on the last axis, where images have their width there: Conv2D(units, 1) does it."
        raise not_exchanged(who, plain, "those that take images, or Flatten before it", why)
    inputs, units = plain.input_shape[-1], layer.units
    split, order = ((inputs, units), (1, 0)) if image is None else ((*image, units), (3, 2, 0, 1))
    weight = _Entry(f"{plain.source}.weight", "weight", (inputs, units), split, order, (units, inputs))
    return [weight, _bias(plain, units)]


def _recurrent(plain: Plain) -> list[_Entry]:
    layer: Any = plain.layer
    width, entries = len(layer.GATES) * layer.units, []
    for direction in layer.directions:
        for name, inputs in zip(PARAMETERS, (plain.input_shape[-1], layer.units, None, None), strict=True):
            shape = (width,) if inputs is None else (inputs, width)
            theirs = THEIR_NAMES[name] + ("_reverse" if direction else "")
            order = tuple(range(len(shape)))[::-1]
            entries.append(_Entry(f"{plain.source}.{direction}{name}", theirs, shape, shape, order, shape[::-1]))
    return entries


def _layer_norm(who: str, plain: Plain) -> list[_Entry]:
    if len(plain.input_shape) == 3:
        raise not_exchanged(who, plain, "those that take images", " PyTorch's works on the last axis, the width there.")
    shape = plain.input_shape[-1:]
    names = (("scale", "weight"), ("shift", "bias"))
    return [_Entry(f"{plain.source}.{ours}", theirs, shape, shape, (0,), shape) for ours, theirs in names]


def _bias(plain: Plain, size: int) -> _Entry:
    return _Entry(f"{plain.source}.bias", "bias", (size,), (size,), (0,), (size,))


def _as_array(where: str, value: Any) -> np.ndarray:
    """A tensor or array as an array of float32 or float64."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        got = type(value).__name__
        raise TypeError(f"{where}: expected an array or tensor that NumPy knows, got {got}: {error}.") from error
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype not in (np.float32, np.float64):
        raise ValueError(f"{where}: expected float32 or float64, got {array.dtype}. module.float() makes it that.")
    return array


def _check_keys(who: str, expected: list[str], state_dict: Mapping[str, Any]) -> None:
    missing = [name for name in expected if name not in state_dict]
    unknown = [name for name in state_dict if name not in expected]
    if missing:
        hint = " A module without bias has one of zeros: add it." if missing[0].endswith("bias") else ""
        if unknown:
            hint = f" It has {unknown[0]!r}: names=torch_modules(state_dict) takes its modules in their order."
        raise ValueError(f"{who}: state_dict: expected {missing[0]!r}, got none.{hint}")
    if unknown:
        raise ValueError(
            f"{who}: state_dict: expected the parameters of the network, got also {unknown[0]!r} "
            f"({len(unknown)} such keys). Leave out what the network has no layer for."
        )
