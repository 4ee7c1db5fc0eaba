"""Parameters in the names and the order of PyTorch, and back, bit for bit.

Both directions follow from the layers' `torch_parameters`: each parameter of a network is, up to the order of
its axes, one entry of the state dictionary.

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
BatchNorm   scale, shift (channels,)                       weight, bias (channels,)
            mean, variance (channels,)                     running_mean, running_var (channels,)
==========  =============================================  ===========================================

Images are (height, width, channels) here and (channels, height, width) there, so behind `Flatten` the inputs of a
`Dense` or `LayerNorm` come in another order too; its parameters are rearranged accordingly. Behind `Permute` and
`Reshape` the order is the one here: a module in PyTorch has to bring its arrays into it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nnlite.checks import check_iterable, check_mapping, shown
from nnlite.exchange.stack import Plain, known, not_exchanged, plain_layers
from nnlite.layers.base import Layer, Params, Shape
from nnlite.layers.counterparts import TorchParameter
from nnlite.layers.reshape import Flatten
from nnlite.network.parameters import check_params
from nnlite.network.sequential import Sequential, check_network
from nnlite.registry import REGISTRY


def to_torch_state_dict(
    network: Sequential, params: Params, names: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Return the parameters of a network as a state dictionary for the same layers in PyTorch.

    Parameters
    ----------
    network : Sequential
    params : dict
        Parameters of the network, in float32 or float64.
    names : sequence of str, optional
        Names of the PyTorch modules that take the parameters, in the order of the layers that have some, such as
        ``["conv1", "fc"]``.
        By default those of a ``torch.nn.Sequential`` that has a module for each layer, also for those without
        parameters: "0", "4"; inside of branches "3.layers.0", "3.shortcut.0", "5.1.0".
        A ConvMaxPool2D and an ActivationDropout are two modules there, a
        DenseActivation two or three.

    Returns
    -------
    dict
        Name -> array, for ``module.load_state_dict({name: torch.from_numpy(array) for name, array in ...})``. The
        arrays are copies.

    Raises
    ------
    TypeError
        If a layer has parameters that PyTorch has no module for, a Dense or LayerNorm works on images, or a layer of
        your own stands between Flatten and the next weights.
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
    """Return parameters for a network from the state dictionary of the same layers in PyTorch.

    Parameters
    ----------
    network : Sequential
    state_dict : dict
        Name -> tensor or array, as ``module.state_dict()`` returns it, in float32 or float64.
    names : sequence of str, optional
        Names of the PyTorch modules that have parameters, in the order of the layers that take them. `torch_modules`
        lists them as they stand in a state dictionary. By default those of a ``torch.nn.Sequential``, see
        `to_torch_state_dict`.

    Returns
    -------
    dict
        Parameters of the network; the arrays are copies.

    Raises
    ------
    TypeError
        If a layer has parameters that PyTorch has no module for, or the state holds something else than numbers.
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
    check_network(who, network)
    check_mapping(who, "state_dict", state_dict, "a dict of tensors or arrays")
    entries = _entries(who, network, names)
    # PyTorch counts the batches that BatchNorm saw. It needs the number only for another kind of running mean.
    state_dict = {name: value for name, value in state_dict.items() if not str(name).endswith("num_batches_tracked")}
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
    """Return the names of the modules that a state dictionary has parameters of, in its order.

    PyTorch's constructor made the modules in that order. If data passes them in the same order, the result is the
    `names` of `from_torch_state_dict`.

    Parameters
    ----------
    state_dict : dict or iterable of str

    Examples
    --------
    >>> torch_modules(["features.0.weight", "features.0.bias", "head.weight", "head.bias"])
    ['features.0', 'head']
    """
    names = list(check_iterable("torch_modules", "state_dict", state_dict, "a state dictionary or its keys"))
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"torch_modules: state_dict: expected names of parameters, got {shown(names)}.")
    return list(dict.fromkeys(name.rpartition(".")[0] for name in names))


class _Entry(NamedTuple):
    """A parameter under both names.

    Its axes are put in the order `axes`. Along axis `at` there, if there is one, value k is value ``order[k]`` here.
    """

    ours: str
    theirs: str
    shape: Shape
    axes: tuple[int, ...]
    at: int | None
    order: np.ndarray | None

    @property
    def torch_shape(self) -> Shape:
        return tuple(self.shape[axis] for axis in self.axes)

    def to_torch(self, array: np.ndarray) -> np.ndarray:
        array = array.transpose(self.axes)
        if self.at is not None:
            array = array.take(self.order, axis=self.at)  # type: ignore[arg-type]
        return np.array(array, order="C")

    def from_torch(self, array: np.ndarray) -> np.ndarray:
        if self.at is not None:
            array = array.take(np.argsort(self.order), axis=self.at)  # type: ignore[arg-type]
        return np.array(array.transpose(np.argsort(self.axes)), order="C")


def _entries(who: str, network: Sequential, names: Sequence[str] | None) -> list[_Entry]:
    """Return all parameters of a network, in its order."""
    modules, _ = _modules(who, plain_layers(network), None, "")
    if names is not None:
        check_iterable(who, "names", names, f"{len(modules)} different names, one for each layer with parameters")
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


def _modules(
    who: str, layers: Iterable[Plain], order: np.ndarray | None, prefix: str
) -> tuple[list[tuple[str, list[_Entry]]], np.ndarray | None]:
    """Return the modules that have parameters, and the order in which the outputs of the last layer are in PyTorch.

    `order` is that of the inputs: value k there is value ``order[k]`` here; None: the same.
    """
    modules: list[tuple[str, list[_Entry]]] = []
    for index, plain in enumerate(layers):
        name = f"{prefix}{index}"
        if branches := plain.branches():
            ends = []
            for branch, inside in branches.items():
                inner, end = _modules(who, inside, order, f"{name}.{branch}.")
                modules += inner
                ends.append(end)
            order = _joined_order(who, plain, ends)
            continue
        if type(plain.layer) is Flatten and len(plain.input_shape) == 3:
            places = np.arange(math.prod(plain.input_shape)).reshape(plain.input_shape)
            order = places.transpose(2, 0, 1).reshape(-1)
        entries = _entries_of(who, plain, order)
        if entries:
            modules.append((name, entries))
        if any(
            len(entry.shape) > 1 for entry in entries
        ):  # a sum over features; the outputs have an order of their own
            order = None
    return modules, order


def _joined_order(who: str, plain: Plain, ends: list[np.ndarray | None]) -> np.ndarray | None:
    """Return the order of the values of joined branches."""
    layer: Any = plain.layer
    if all(end is None for end in ends):
        return None
    if layer.merge == "sum":
        if any(end is None or not np.array_equal(end, ends[0]) for end in ends):  # type: ignore[arg-type]
            why = " Its branches would add the values of a flattened image in different orders in PyTorch."
            raise not_exchanged(who, plain, "the library's layers without Flatten in one branch alone", why)
        return ends[0]
    widths = [shape[-1] for shape in layer.output_shapes(plain.input_shape).values()]
    starts = np.cumsum([0, *widths[:-1]])
    orders = [np.arange(width) if end is None else end for width, end in zip(widths, ends, strict=True)]
    return np.concatenate([start + order for start, order in zip(starts, orders, strict=True)])


def _entries_of(who: str, plain: Plain, order: np.ndarray | None) -> list[_Entry]:
    """Return the parameters of a layer."""
    theirs, shapes = plain.layer.torch_parameters(), plain.layer.parameter_shapes(plain.input_shape)
    if theirs.keys() != shapes.keys():
        raise not_exchanged(who, plain, f"{known(Layer, 'torch_parameters')}, or a layer without parameters")
    if order is not None and type(plain.layer) not in REGISTRY.values():
        why = " It would meet the values of a flattened image in another order in PyTorch."
        raise not_exchanged(who, plain, "the library's layers between Flatten and the next weights", why)
    if len(plain.input_shape) == 3 and any(p.features is not None and not p.images for p in theirs.values()):
        why = (
            " PyTorch's works on the last axis, where images have their width there; instead of a Dense, "
            "Conv2D(units, 1) does it."
        )
        raise not_exchanged(who, plain, "those that take images, or Flatten before it", why)
    return [_entry(plain.source, name, shapes[name], theirs[name], order) for name in theirs]


def _entry(source: str, name: str, shape: Shape, theirs: TorchParameter, order: np.ndarray | None) -> _Entry:
    """Return a parameter. If its `features` are those of a flattened image, they come in another order in PyTorch."""
    at = None if order is None or theirs.features is None else theirs.axes.index(theirs.features)
    return _Entry(f"{source}.{name}", theirs.name, shape, theirs.axes, at, order)


def _as_array(where: str, value: Any) -> np.ndarray:
    """Return a tensor or array as an array of float32 or float64."""
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
