"""HTK's HCopy by S. Young et al., "The HTK Book" (2006), chapter 5: its equations in plain loops, in float64.

Where the book is silent, as the recorded outputs have it. Nothing here is from the package.
"""

import math

import numpy as np

from tests.mfcc import naive

DEFAULTS = {
    "TARGETKIND": None, "TARGETRATE": None, "SOURCERATE": None, "WINDOWSIZE": 256000.0, "ZMEANSOURCE": False,
    "USEHAMMING": True, "PREEMCOEF": 0.97, "USEPOWER": False, "NUMCHANS": 20, "LOFREQ": -1.0, "HIFREQ": -1.0,
    "WARPFREQ": 1.0, "WARPLCUTOFF": 0.0, "WARPUCUTOFF": 0.0, "CEPLIFTER": 22, "NUMCEPS": 12, "RAWENERGY": True,
    "ENORMALISE": True, "ESCALE": 0.1, "SILFLOOR": 50.0, "DELTAWINDOW": 2, "ACCWINDOW": 2, "THIRDWINDOW": 2,
    "SIMPLEDIFFS": False, "DOUBLEFFT": False,
}  # fmt: skip


def mel(f):
    return 1127 * math.log(1 + f / 700)  # equation 5.13: 2595 log10(1 + f / 700)


def hcopy(settings, samples):
    """Return features of 16-bit samples, shape (features, frames)."""
    s = DEFAULTS | settings
    kind, *qualifiers = s["TARGETKIND"].split("_")
    size, step = int(s["WINDOWSIZE"] / s["SOURCERATE"]), int(s["TARGETRATE"] / s["SOURCERATE"])
    vectors, energies = [], []
    for start in range(0, len(samples) - size + 1, step):
        vector, energy = analyse(s, kind, "0" in qualifiers, [float(x) for x in samples[start : start + size]])
        vectors.append(vector)
        energies.append(energy)
    if "E" in qualifiers:
        if s["ENORMALISE"]:
            energies = normalise(energies, s["SILFLOOR"], s["ESCALE"])
        vectors = [[*vector, energy] for vector, energy in zip(vectors, energies, strict=True)]
    parts = [vectors]
    for qualifier, window in (("D", "DELTAWINDOW"), ("A", "ACCWINDOW"), ("T", "THIRDWINDOW")):
        if qualifier in qualifiers:
            parts.append(differences(parts[-1], s[window], s["SIMPLEDIFFS"]))
    if "Z" in qualifiers:
        kept = 1 if "E" in qualifiers else 0
        parts[0] = without_mean(vectors, len(vectors[0]) - kept)
    return np.concatenate([np.array(part) for part in parts], axis=1).T


def analyse(s, kind, with_c0, frame):
    """Return the static features and the log energy of a frame."""
    size = len(frame)
    if s["ZMEANSOURCE"]:
        mean = sum(frame) / size
        frame = [x - mean for x in frame]
    energy = sum(x * x for x in frame)
    if s["PREEMCOEF"] > 0:  # equation 5.1; the first sample as if it had been preceded by itself
        a = s["PREEMCOEF"]
        frame = [(1 - a) * frame[0], *(frame[i] - a * frame[i - 1] for i in range(1, size))]
    if s["USEHAMMING"]:  # equation 5.2
        frame = [x * (0.54 - 0.46 * math.cos(2 * math.pi * i / (size - 1))) for i, x in enumerate(frame)]
    if not s["RAWENERGY"]:
        energy = sum(x * x for x in frame)
    bands = filter_bank(s, frame)
    if kind != "MELSPEC":
        bands = [math.log(max(band, 1.0)) for band in bands]
    log_energy = math.log(energy) if energy > 0 else -1e10
    if kind != "MFCC":
        return bands, log_energy
    n, L = len(bands), s["CEPLIFTER"]
    cepstrum = []
    for i in range(1, s["NUMCEPS"] + 1):  # equation 5.14; HTK holds the angle as a 32-bit number
        angle = float(np.float32(i) * np.float32(math.pi / n))
        c = math.sqrt(2 / n) * sum(band * math.cos(angle * (j - 0.5)) for j, band in enumerate(bands, 1))
        cepstrum.append(c * (1 + L / 2 * math.sin(math.pi * i / L)) if L > 0 else c)  # equation 5.12
    if with_c0:
        cepstrum.append(math.sqrt(2 / n) * sum(bands))
    return cepstrum, log_energy


def filter_bank(s, frame):
    """Triangles equally spaced and linear in mel; each bin is shared by the two channels around it."""
    length = 2
    while length < len(frame):
        length *= 2
    if s["DOUBLEFFT"]:
        length *= 2
    spectrum = np.abs(np.fft.rfft(frame, length))
    if s["USEPOWER"]:
        spectrum = spectrum**2
    width = 1e7 / int(s["SOURCERATE"]) / length  # of a bin in Hz: HTK holds the period in whole units of 100 ns
    low, high = s["LOFREQ"], s["HIFREQ"]
    first, last = 1, length // 2 - 1  # of 0 Hz and half the sampling rate nothing is used
    if low >= 0:
        first = max(first, int(low / width + 1.5))
    if high >= 0:
        last = min(last, int(high / width + 0.5) - 1)
    low, high = max(low, 0.0), high if high >= 0 else width * length / 2
    n = s["NUMCHANS"]
    corners = [mel(low) + (mel(high) - mel(low)) * i / (n + 1) for i in range(n + 2)]
    if s["WARPFREQ"] != 1:
        knees = (s["WARPFREQ"], s["WARPLCUTOFF"], s["WARPUCUTOFF"])
        inner = [700 * (math.exp(m / 1127) - 1) for m in corners[1:-1]]
        corners[1:-1] = [mel(naive.warped(f, low, high, *knees)) for f in inner]
    bands = [0.0] * n
    for k in range(first, last + 1):
        m = mel(k * width)
        above = 1
        while above <= n and corners[above] < m:
            above += 1
        share = (corners[above] - m) / (corners[above] - corners[above - 1])  # of the channel below
        if above > 1:
            bands[above - 2] += share * spectrum[k]
        if above <= n:
            bands[above - 1] += (1 - share) * spectrum[k]
    return bands


def normalise(energies, silence_floor, scale):
    """Section 5.9: the loudest frame becomes 1, what is more than silence_floor decibels below it is raised."""
    loudest = max(energies)
    floor = loudest - silence_floor * math.log(10) / 10
    return [1 - scale * (loudest - max(energy, floor)) for energy in energies]


def differences(vectors, window, simple):
    """Equations 5.16 and 5.17, or 5.18; the first and last vectors are repeated."""
    n = len(vectors)
    result = []
    for t in range(n):
        row = []
        for i in range(len(vectors[t])):
            after = [vectors[min(t + d, n - 1)][i] for d in range(window + 1)]
            before = [vectors[max(t - d, 0)][i] for d in range(window + 1)]
            if simple:
                row.append((after[window] - before[window]) / (2 * window))
            else:
                total = sum(d * (after[d] - before[d]) for d in range(1, window + 1))
                row.append(total / (2 * sum(d * d for d in range(1, window + 1))))
        result.append(row)
    return result


def without_mean(vectors, count):
    """Return the first `count` features less their mean over the recording."""
    means = [sum(vector[i] for vector in vectors) / len(vectors) for i in range(count)]
    return [[x - (means[i] if i < count else 0) for i, x in enumerate(vector)] for vector in vectors]
