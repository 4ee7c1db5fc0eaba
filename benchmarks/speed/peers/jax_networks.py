"""JAX: compiled by XLA, both orders of axes, both kinds of random numbers."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import nnlite as nn
from speed import networks
from speed.case import Modes, Ready, Task

Params = dict[str, Any]


def training(task: Task) -> Modes:
    """Steps of gradient descent on batches that lie in memory."""
    modes: Modes = {}
    for order in _orders(task):
        for keys in ("threefry2x32", "rbg"):
            modes[", ".join(filter(None, (order, keys)))] = functools.partial(_training, task, order, keys)
    return modes


def inference(task: Task) -> Modes:
    """Probabilities of a batch."""
    return {order: functools.partial(_inference, task, order) for order in _orders(task)}


def _orders(task: Task) -> tuple[str, ...]:
    return ("NHWC", "NCHW") if len(networks.network(task).shapes[1]) == 3 else ("",)


def _training(task: Task, order: str, keys: str) -> Ready:
    net = networks.network(task)
    arrays, params = task.arrays(), task.arrays("params")
    batches = [(_samples(x, order), jnp.asarray(y)) for x, y in networks.in_batches(task, arrays["x"], arrays["y"])]

    def stepping(layers: tuple[nn.Layer, ...], learning_rate: float) -> Any:
        def loss_of(params: Params, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
            logits = _apply(layers, params, x, order, key)
            return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean()

        @functools.partial(jax.jit, donate_argnums=0)
        def step(state: Any, x: jax.Array, y: jax.Array) -> Any:
            params, velocity, key = state
            key, own = jax.random.split(key)
            loss, grads = jax.value_and_grad(loss_of)(params, x, y, own)
            velocity = jax.tree.map(lambda v, g: networks.MOMENTUM * v + g, velocity, grads)
            return (jax.tree.map(lambda p, v: p - learning_rate * v, params, velocity), velocity, key), loss

        return step

    def fresh() -> Any:
        there = jax.tree.map(jnp.array, params)
        return there, jax.tree.map(jnp.zeros_like, there), jax.random.key(0, impl=keys)

    def result() -> dict[str, np.ndarray]:
        step, state = stepping(networks.without_dropout(net).layers[:-1], networks.CHECK_LEARNING_RATE), fresh()
        for _ in range(networks.CHECK_STEPS):
            state, _ = step(state, *batches[0])
        after = {name: np.asarray(array) for name, array in state[0].items()}
        before, after = (nn.to_torch_state_dict(net, arrays) for arrays in (params, after))
        return networks.changes(before, after)

    step, states = stepping(net.layers[:-1], networks.LEARNING_RATE), [fresh()]

    def run() -> None:
        state = states.pop()
        for x, y in batches:
            state, loss = step(state, x, y)
        jax.block_until_ready((state, loss))
        states.append(state)

    return Ready(run, result)


def _inference(task: Task, order: str) -> Ready:
    net = networks.network(task)
    params, x = jax.tree.map(jnp.asarray, task.arrays("params")), _samples(task.arrays()["x"], order)
    apply = jax.jit(lambda params, x: jax.nn.softmax(_apply(net.layers[:-1], params, x, order, None)))

    def run() -> jax.Array:
        return jax.block_until_ready(apply(params, x))

    return Ready(run, lambda: {"probabilities": np.asarray(run())})


def _samples(x: np.ndarray, order: str) -> jax.Array:
    return jnp.asarray(np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if order == "NCHW" else x)


def _apply(layers: tuple[nn.Layer, ...], params: Params, x: jax.Array, order: str, key: jax.Array | None) -> jax.Array:
    """The layers one after the other; without a key there is no dropout."""
    for index, layer in enumerate(layers):
        match layer:
            case nn.Conv2D():
                x = lax.conv_general_dilated(
                    x, params[f"{index}.weight"], (1, 1), "VALID", dimension_numbers=(order, "HWIO", order)
                )
                bias = params[f"{index}.bias"]
                x = x + (bias if order == "NHWC" else bias[:, None, None])
            case nn.MaxPool2D():
                window = (1, *layer.window, 1) if order == "NHWC" else (1, 1, *layer.window)
                x = lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
            case nn.Dense():
                x = x @ params[f"{index}.weight"] + params[f"{index}.bias"]
            case nn.Sigmoid():
                x = jax.nn.sigmoid(x)
            case nn.Flatten():
                x = (x.transpose(0, 2, 3, 1) if order == "NCHW" else x).reshape(len(x), -1)
            case nn.Dropout():
                if key is not None and layer.rate:
                    kept = jax.random.bernoulli(jax.random.fold_in(key, index), 1 - layer.rate, x.shape)
                    x = jnp.where(kept, x / (1 - layer.rate), 0)
            case _:
                raise TypeError(f"expected a layer of the networks that are measured, got {layer!r}")
    return x
