"""Naive twins of the kernels: loops in float64, as the formulas are written. Arrays are channels-last."""

import math
from decimal import Context, Decimal

import numpy as np


def wide(x):
    """x in float64; np.float64(x) makes a scalar of an array with one element in NumPy 2.3."""
    return np.asarray(x, np.float64)


def conv2d(x, weight, bias, stride=(1, 1), padding="valid"):
    """x (N, H, W, C), weight (K, M, C, O), bias (O,): cross-correlation."""
    x, weight = pad(wide(x), weight.shape[:2], stride, padding), wide(weight)
    rows, columns = positions(x.shape, weight.shape[:2], stride)
    y = np.zeros((len(x), len(rows), len(columns), weight.shape[3]))
    for n, i, j, o in np.ndindex(y.shape):
        y[n, i, j, o] = np.sum(patch(x[n], rows[i], columns[j], weight) * weight[:, :, :, o]) + bias[o]
    return y


def conv2d_grad_weight(x, dy, weight_shape, stride=(1, 1), padding="valid"):
    x, dy, dweight = pad(wide(x), weight_shape[:2], stride, padding), wide(dy), np.zeros(weight_shape)
    rows, columns = positions(x.shape, weight_shape[:2], stride)
    for n, i, j, o in np.ndindex(dy.shape):
        dweight[:, :, :, o] += dy[n, i, j, o] * patch(x[n], rows[i], columns[j], dweight)
    return dweight


def conv2d_grad_x(dy, weight, x_shape, stride=(1, 1), padding="valid"):
    dx = pad(np.zeros(x_shape), weight.shape[:2], stride, padding)
    rows, columns = positions(dx.shape, weight.shape[:2], stride)
    for n, i, j, o in np.ndindex(dy.shape):
        patch(dx[n], rows[i], columns[j], weight)[...] += np.float64(dy[n, i, j, o]) * weight[:, :, :, o]
    if padding == "valid":
        return dx
    (top, _), (left, _) = (margins(x_shape[k + 1], weight.shape[k], stride[k]) for k in (0, 1))
    return dx[:, top : top + x_shape[1], left : left + x_shape[2]]


def patch(image, row, column, weight):
    return image[row : row + weight.shape[0], column : column + weight.shape[1]]


def positions(batch_shape, kernel, stride):
    """First rows and first columns of all places where the kernel fits."""
    return [range(0, batch_shape[k + 1] - kernel[k] + 1, stride[k]) for k in (0, 1)]


def margins(length, kernel, stride):
    """Zeros before and after, so that there is an output for every `stride` inputs; an odd one after."""
    outputs = math.ceil(length / stride)
    total = max((outputs - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2


def pad(x, kernel, stride, padding):
    if padding == "valid":
        return x
    return np.pad(x, [(0, 0), *(margins(x.shape[k + 1], kernel[k], stride[k]) for k in (0, 1)), (0, 0)])


def max_pool(x, pool, stride=None):
    """(maxima, their places in the windows row by row, the first among equals)."""
    stride = stride or pool
    rows, columns = positions(x.shape, pool, stride)
    y = np.zeros((len(x), len(rows), len(columns), x.shape[3]))
    places = np.zeros(y.shape, np.uint8)
    for n, i, j, c in np.ndindex(y.shape):
        window = x[n, rows[i] : rows[i] + pool[0], columns[j] : columns[j] + pool[1], c].ravel()
        places[n, i, j, c] = np.argmax(window)
        y[n, i, j, c] = np.max(window)
    return y, places


def max_pool_grad(dy, places, x_shape, pool, stride=None):
    stride = stride or pool
    dx = np.zeros(x_shape)
    for n, i, j, c in np.ndindex(dy.shape):
        row, column = divmod(int(places[n, i, j, c]), pool[1])
        dx[n, i * stride[0] + row, j * stride[1] + column, c] += dy[n, i, j, c]
    return dx


def dense(x, weight, bias):
    """x (N, F), weight (F, U), bias (U,)."""
    y = np.zeros((len(x), weight.shape[1]))
    for n, u in np.ndindex(y.shape):
        y[n, u] = sum(float(x[n, f]) * float(weight[f, u]) for f in range(len(weight))) + bias[u]
    return y


def dense_grads(x, weight, dy):
    """(dx, dweight, dbias)."""
    dx, dweight, dbias = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(weight.shape[1])
    for n, u in np.ndindex(dy.shape):
        dbias[u] += dy[n, u]
        for f in range(len(weight)):
            dweight[f, u] += float(x[n, f]) * float(dy[n, u])
            dx[n, f] += float(weight[f, u]) * float(dy[n, u])
    return dx, dweight, dbias


def logistic(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x)


def relu(x):
    return max(x, 0.0)


def softmax(x):
    """Of one vector, of any size of numbers."""
    powers = [math.exp(float(v) - max(map(float, x))) for v in x]
    return np.array(powers) / sum(powers)


_DIGITS = Context(prec=60)


def exp(x):
    """Correctly rounded beyond any float."""
    return Decimal(float(x)).exp(_DIGITS)


def expm1(x):
    return _DIGITS.subtract(exp(x), Decimal(1))


def ulps(actual, expected):
    """Distance of a float from an exact Decimal in units in the last place of the float's type."""
    spacing = Decimal(float(np.spacing(np.abs(type(actual)(float(expected))))))
    return float(abs(Decimal(float(actual)) - expected) / spacing)


def dropout(x, key, rate, rest):
    """Keep x where a 32-bit hash of its position and the key reaches rate * 2**32; elsewhere rest."""
    y = np.zeros(x.shape)
    for i, value in enumerate(x):
        h = (i & 0xFFFFFFFF) ^ int(key[0])
        h = (h ^ h >> 16) * 0x7FEB352D & 0xFFFFFFFF
        h = (h ^ h >> 15) + int(key[1]) & 0xFFFFFFFF
        h = (h ^ h >> 16) * 0x846CA68B & 0xFFFFFFFF
        y[i] = rest + (value - rest) / (1 - rate) if (h ^ h >> 16) >= round(rate * 2**32) else rest
    return y


def bootstrap_interval(figure, groups, draws, level):
    """Low, high and the number of undefined resamples of figure(rows); draws are positions among the sorted groups."""
    names = sorted(set(groups.tolist()))
    figures, undefined = [], 0
    for draw in draws:
        rows = []
        for chosen in draw:
            rows += [row for row, group in enumerate(groups.tolist()) if group == names[chosen]]
        value = float(figure(rows))
        if math.isnan(value):
            undefined += 1
        else:
            figures.append(value)
    if not figures:
        return math.nan, math.nan, undefined
    return quantile(figures, (1 - level) / 2), quantile(figures, (1 + level) / 2), undefined


def quantile(values, q):
    """Linear between the order statistics."""
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = min(int(place), len(ordered) - 2) if len(ordered) > 1 else 0
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def occlusion(predict, x, window, stride, baseline):
    """What the values of `predict` lose when windows at multiples of the stride are set to the baseline, one by one."""
    baseline = np.broadcast_to(baseline, x.shape)
    starts = [[0] for _ in window]
    for axis, (size, step) in enumerate(zip(window, stride, strict=True)):
        while starts[axis][-1] + size < x.shape[axis + 1]:
            starts[axis].append(starts[axis][-1] + step)
    result = np.zeros((len(x), *map(len, starts), *predict(x[:1]).shape[1:]))
    for n, *place in np.ndindex(len(x), *map(len, starts)):
        hidden = x[n : n + 1].copy()
        for at in np.ndindex(window):
            where = tuple(starts[axis][place[axis]] + at[axis] for axis in range(len(window)))
            if all(w < size for w, size in zip(where, x.shape[1:], strict=True)):
                hidden[(0, *where)] = baseline[(n, *where)]
        result[(n, *place)] = predict(x[n : n + 1])[0] - predict(hidden)[0]
    return result


def gru(x, weight, recurrent_weight, bias, recurrent_bias):
    """States (steps, units) of one sequence x (steps, features); gates reset, update, candidate."""
    state, states = np.zeros(len(recurrent_weight)), []
    for step in wide(x):
        a_r, a_z, a_n = np.split(step @ weight + bias, 3)
        c_r, c_z, c_n = np.split(state @ recurrent_weight + recurrent_bias, 3)
        r, z = 1 / (1 + np.exp(-a_r - c_r)), 1 / (1 + np.exp(-a_z - c_z))
        state = (1 - z) * np.tanh(a_n + r * c_n) + z * state
        states.append(state)
    return np.array(states)


def lstm(x, weight, recurrent_weight, bias, recurrent_bias):
    """States (steps, units) of one sequence x (steps, features); gates input, forget, candidate, output."""
    state, cell, states = np.zeros(len(recurrent_weight)), np.zeros(len(recurrent_weight)), []
    for step in wide(x):
        i, f, g, o = np.split(step @ weight + bias + state @ recurrent_weight + recurrent_bias, 4)
        cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        state = np.tanh(cell) / (1 + np.exp(-o))
        states.append(state)
    return np.array(states)
