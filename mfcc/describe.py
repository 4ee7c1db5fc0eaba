"""A recipe in words and formulas."""

from __future__ import annotations

from mfcc.knobs import Knobs


def describe(r: Knobs) -> str:
    """Return the chain of a recipe, a line for each step that does something."""
    lines = [_samples(r), *_signal(r), _frames(r), *_in_frame(r), _window(r), _spectrum(r)]
    if r.output in ("mel", "log_mel", "mfcc"):
        lines.append(_bands(r))
    if r.output in ("log_spectrum", "log_mel", "mfcc"):
        lines += [_logarithm(r), *_clip(r)]
    if r.output == "mfcc":
        lines += [_cepstrum(r), *_lifter(r), *_energy(r)]
    return "\n".join([*lines, _result(r)])


def _line(step: str, text: str) -> str:
    return f"{step:<13}{text}"


def _samples(r: Knobs) -> str:
    text = f"mono at {r.sr:g} Hz, full scale 1.0"
    if r.integer_full_scale is not None:
        by = "that of their type" if r.integer_full_scale == "type" else f"{r.integer_full_scale:g}"
        text += f"; integers are divided by {by}, the middle of unsigned ones is 0"
    if r.full_scale != 1:
        text += f"; then multiplied by {r.full_scale:g}"
    return _line("samples", text)


def _preemphasis(r: Knobs) -> str:
    a = f"{r.preemphasis:g}"
    if r.preemphasis_scope == "signal":
        return _line("pre-emphasis", f"x[i] - {a} x[i-1] along the signal, x[0] is kept")
    return _line("pre-emphasis", f"x[i] - {a} x[i-1] in each frame, x[0] is multiplied by {1 - r.preemphasis:g}")


def _signal(r: Knobs) -> list[str]:
    return [_preemphasis(r)] if r.preemphasis and r.preemphasis_scope == "signal" else []


def _frames(r: Knobs) -> str:
    length, hop = r.frame_length, r.hop_length
    text = f"{length} samples ({1000 * length / r.sr:.1f} ms), one every {hop} ({1000 * hop / r.sr:.1f} ms), "
    if r.center == "hop":
        text += f"frame t centred on sample (t + 1/2) {hop}"
    elif r.center:
        text += f"frame t centred on sample t {hop}"
    else:
        text += f"frame t begins at sample t {hop}"
    if r.center:
        text += f"; beyond the ends: {r.pad_mode}"
    if r.partial == "pad":
        text += "; a partial last frame is filled up with zeros"
    elif not r.center:
        text += "; a partial last frame is left out"
    return _line("frames", text)


def _in_frame(r: Knobs) -> list[str]:
    lines = [_line("mean", "x - mean(x) in each frame")] if r.remove_mean else []
    if r.preemphasis and r.preemphasis_scope == "frame":
        lines.append(_preemphasis(r))
    return lines


def _window(r: Knobs) -> str:
    text = f"{r.window}, {r.win_length} samples, {'periodic' if r.window_periodic else 'symmetric'}"
    if r.win_length < r.n_fft:
        where = "on both sides" if r.zero_padding == "around" else "after it"
        text += f", zeros {where} up to {r.n_fft}"
    return _line("window", text)


def _spectrum(r: Knobs) -> str:
    over = {None: "", "length": f" / {r.n_fft}", "window": " / sum(window^2)"}[r.spectrum_scale]
    formula = f"|X[k]|^2{over}" if r.power == 2 else f"sqrt(|X[k]|^2{over})" if over else "|X[k]|"
    return _line("spectrum", f"{formula} of an FFT of {r.n_fft}, {r.sr / r.n_fft:.4g} Hz a bin")


def _bands(r: Knobs) -> str:
    formula = {
        "htk": "mel = 1127 ln(1 + f/700)",
        "slaney": "mel of Slaney: linear to 1 kHz, logarithmic above",
    }[r.mel_formula]
    slope = {"hz": "linear in Hz", "mel": "linear in mel", "bins": "linear in bins, corners rounded down to bins"}
    text = f"{r.n_mels} triangles from {r.fmin:g} to {r.fmax:g} Hz, {formula}, {slope[r.filter_shape]}, "
    text += "of height 1" if r.filter_norm is None else "of area 1 (in Hz)"
    if r.skip_edge_bins:
        text += "; bins at the edges left out"
    if r.filter_sr is not None:
        text += f"; bins {r.filter_sr / r.n_fft:.6g} Hz apart (filter_sr = {r.filter_sr:.8g} Hz)"
    if r.warp != 1:
        text += f"; corners from {r.warp_low:g} to {r.warp_high:g} Hz divided by {r.warp:g}"
    return _line("mel filters", text)


def _logarithm(r: Knobs) -> str:
    x = "p" if r.output == "log_spectrum" else "m"
    inner = {
        "clip": f"max({x}, {r.log_floor:g})",
        "add": f"{x} + {r.log_floor:g}",
        "zeros": f"{x}, or {r.log_floor:g} where {x} = 0",
    }[r.log_floor_mode]
    name = "ln" if r.log == "natural" else f"{20 // r.power} log10"
    return _line("logarithm", f"{name}({inner})")


def _clip(r: Knobs) -> list[str]:
    if r.top_db is None:
        return []
    return [_line("", f"at least the clip's largest value - {r.top_db:g} dB, by which a frame depends on its clip")]


def _cepstrum(r: Knobs) -> str:
    M = r.n_mels
    if r.dct_type == 1:
        half = "/2" if r.dct_norm is None else "/sqrt(2)"
        term = f"(l[0]{half} + (-1)^n l[{M - 1}]{half} + sum_(0<k<{M - 1}) l[k] cos(pi n k / {M - 1}))"
        ends = {"ortho": f"n = 0 and {M - 1}", "htk": f"n = {M - 1}", None: ""}[r.dct_norm]
        factor = "2" if r.dct_norm is None else f"sqrt(2/{M - 1}) ({ends}: sqrt(1/{M - 1}))"
    elif r.dct_type == 2:
        term = f"sum_k l[k] cos(pi n (k + 1/2) / {M})"
        factor = {"ortho": f"sqrt(2/{M}) (n = 0: sqrt(1/{M}))", "htk": f"sqrt(2/{M})", None: "2"}[r.dct_norm]
        if r.dct_norm == "htk":
            term += f" with pi/{M} in 32 bits"
    else:
        first = {"ortho": "l[0]/sqrt(2)", "htk": "l[0]", None: "l[0]/2"}[r.dct_norm]
        term = f"({first} + sum_(k>0) l[k] cos(pi k (n + 1/2) / {M}))"
        factor = "2" if r.dct_norm is None else f"sqrt(2/{M})"
    return _line("cosines", f"c[n] = {factor} {term}, n = 0 to {r.n_mfcc - 1}")


def _lifter(r: Knobs) -> list[str]:
    if not r.lifter:
        return []
    n = "n" if r.lifter_start == 0 else "(n + 1)"
    return [_line("lifter", f"c[n] (1 + {r.lifter / 2:g} sin(pi {n} / {r.lifter:g}))")]


def _energy(r: Knobs) -> list[str]:
    if r.energy is None:
        return []
    of = {
        "raw": "the frame's samples squared, before pre-emphasis and window",
        "windowed": "the frame's samples squared, after pre-emphasis and window",
        "spectrum": "the spectrum's bins",
    }[r.energy]
    where = "in place of c[0]" if r.energy_place == "c0" else "as the last coefficient"
    zeros = f"e, or {r.energy_floor:g} where e = 0"
    inner = zeros if r.log_floor_mode == "zeros" else f"max(e, {r.energy_floor:g})"
    return [_line("energy", f"ln({inner}), e the sum of {of}; {where}")]


def _result(r: Knobs) -> str:
    if r.output != "mfcc":
        of = "mel filters" if r.output.endswith("mel") else "bins of the spectrum"
        logarithms = "logarithms of " if r.output.startswith("log") else ""
        return _line("result", f"{logarithms}{r.n_features} {of}, {r.frame_rate:.4g} frames a second")
    first = "c[0]" if r.energy is None or r.energy_place == "append" else "the energy"
    order = {"first": f"{first} first", "last": f"{first} after c[{r.n_mfcc - 1}]", "drop": "c[0] dropped"}[r.c0]
    return _line("result", f"{r.n_coefficients} coefficients ({order}), {r.frame_rate:.4g} frames a second")
