"""Descriptions of spectra, a frame after the other: where their weight lies, peaks and valleys, local maxima.

Letters: x magnitudes of shape (frames, bins), t frames, k bins, b bands. All sums are in float64.
"""

import numpy as np

from nnlite.runtime.jit import kernel


@kernel
def moments(x, step, tiny, centroid, bandwidth):
    """Store mean and standard deviation of frequency, weighted by magnitude; bins lie step Hz apart."""
    for t in range(x.shape[0]):
        row = x[t]
        total, first = 0.0, 0.0
        for k in range(len(row)):
            value = np.float64(row[k])
            total += value
            first += value * k
        total = total if total >= tiny else 1.0
        mean = first / total
        second = 0.0
        for k in range(len(row)):
            second += np.float64(row[k]) * (k - mean) ** 2
        centroid[t] = mean * step
        bandwidth[t] = np.sqrt(second / total) * step


@kernel
def rolloff(x, step, share, out):
    """Store the lowest frequency at which the sum from 0 Hz on reaches a share of the whole."""
    for t in range(x.shape[0]):
        row = x[t]
        total = 0.0
        for k in range(len(row)):
            total += np.float64(row[k])
        below, k = np.float64(row[0]), 0
        while below < share * total and k < len(row) - 1:
            k += 1
            below += np.float64(row[k])
        out[t] = k * step


@kernel
def flatness(x, floor, out):
    """Store the geometric mean of power over the arithmetic one; power below the floor counts as the floor.

    A logarithm is taken of the product of eight bins, as far as that is a number within the range of the type.
    """
    for t in range(x.shape[0]):
        row = x[t]
        n = len(row)
        total, logs = 0.0, 0.0
        for k in range(0, n, 8):
            product = 1.0
            for i in range(k, min(k + 8, n)):
                power = max(floor, np.float64(row[i]) ** 2)
                total += power
                product *= power
            if 1e-300 < product < 1e300:
                logs += np.log(product)
            else:
                for i in range(k, min(k + 8, n)):
                    logs += np.log(max(floor, np.float64(row[i]) ** 2))
        out[t] = np.exp(logs / n) / (total / n)


@kernel
def extremes(x, first, last, count, valley, peak, low, high):
    """Store the means of the count[b] smallest and largest of bins first[b] to last[b] - 1 of each band.

    low and high are memory for the largest count. Both are kept sorted, the next to go at the end.
    """
    for t in range(x.shape[0]):
        for b in range(len(first)):
            n = 0
            for k in range(first[b], last[b]):
                value = np.float64(x[t, k])
                if n < count[b]:
                    n += 1
                    low[n - 1], high[n - 1] = np.inf, -np.inf
                if value < low[n - 1]:
                    i = n - 1
                    while i > 0 and low[i - 1] > value:
                        low[i] = low[i - 1]
                        i -= 1
                    low[i] = value
                if value > high[n - 1]:
                    i = n - 1
                    while i > 0 and high[i - 1] < value:
                        high[i] = high[i - 1]
                        i -= 1
                    high[i] = value
            below, above = 0.0, 0.0
            for i in range(n):
                below += low[i]
                above += high[i]
            valley[b, t], peak[b, t] = below / n, above / n


@kernel
def weighted_powers(x, weights, power, out):
    """Store the sums of power under rows of weights, shape (rows, bins), in out; `power` is memory for a frame."""
    for t in range(x.shape[0]):
        for k in range(len(power)):
            power[k] = np.float64(x[t, k]) ** 2
        for r in range(len(weights)):
            row = weights[r]
            total = 0.0
            for k in range(len(power)):
                total += row[k] * power[k]
            out[r, t] = total


@kernel
def banded_powers(x, first, offset, weights, out):
    """Store the sums of power under filters: weights of filter r from offset[r] on, for bins from first[r] on."""
    for t in range(x.shape[0]):
        for r in range(len(offset) - 1):
            total = 0.0
            for w in range(offset[r], offset[r + 1]):
                total += weights[w] * np.float64(x[t, first[r] + w - offset[r]]) ** 2
            out[r, t] = total


@kernel
def power_peaks(x, begin, end, threshold, place, height):
    """Store place (in bins) and height of the local maxima of power in bins begin to end - 1; return their number.

    Those above a share of a frame's largest power count. Both are those of a parabola through a bin and its neighbours.
    """
    n, last = 0, x.shape[1] - 1
    for t in range(x.shape[0]):
        row = x[t]
        largest = 0.0
        for k in range(len(row)):
            largest = max(largest, np.float64(row[k]) ** 2)
        for k in range(max(1, begin), min(end, last)):
            centre = np.float64(row[k]) ** 2
            if not centre > threshold * largest:
                continue
            left, right = np.float64(row[k - 1]) ** 2, np.float64(row[k + 1]) ** 2
            if not (centre > left and centre >= right):
                continue
            slope, bend = (right - left) / 2, left + right - 2 * centre
            shift = 0.0 if abs(slope) >= abs(bend) else -slope / bend
            place[n], height[n] = k + shift, centre + 0.5 * slope * shift
            n += 1
    return n


@kernel
def root_mean_squares(y, length, hop, out):
    """Store the root of the mean square of each frame."""
    for t in range(len(out)):
        total = 0.0
        for i in range(t * hop, t * hop + length):
            total += np.float64(y[i]) ** 2
        out[t] = np.sqrt(total / length)


@kernel
def sign_changes(y, length, hop, quiet, out):
    """Store the share of a frame's samples of another sign than the one before; what is quiet counts as positive."""
    for t in range(len(out)):
        n = 0
        for i in range(t * hop + 1, t * hop + length):
            n += (y[i] < -quiet) != (y[i - 1] < -quiet)
        out[t] = n / length
