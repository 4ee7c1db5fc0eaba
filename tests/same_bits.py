"""Compare what training and features give in this tree with another commit, bit for bit.

    python tests/same_bits.py COMMIT

Parameters of networks after ten steps, and features of recipes, are computed once by this tree, as it lies there, and
once by a checkout of COMMIT in a temporary folder, in processes of the same Python. The exit status is 1 if a bit
differs, and 2 if one side could not compute. Run it before and after a change that should change no result: moving
code, splitting a function. Public names only are used, so that both sides have them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
STEPS = 10
Arrays = Mapping[str, np.ndarray]


def convolutional() -> Arrays:
    """The published network: convolutions, max-pooling, dropout, dense layers; SGD with momentum."""
    import nnlite as nn

    layers: list[Any] = []
    for filters, size, rate in ((32, 5, 0.1), (64, 3, 0.2), (128, 2, 0.3), (256, 2, 0.4)):
        layers += [nn.Conv2D(filters, size), nn.Sigmoid(), nn.MaxPool2D(2), nn.Dropout(rate)]
    layers += [nn.Flatten(), nn.Dense(50), nn.Sigmoid(), nn.Dropout(0.5), nn.Dense(50), nn.Sigmoid(), nn.Dense(10)]
    return after_steps(nn.Sequential(layers, (40, 100, 1)), nn.SGD(0.01, momentum=0.9), nn.SoftmaxCrossEntropy(), 64)


def strided() -> Arrays:
    """Train with all that the published network lacks: strides, padding, average pooling, normalisation, Adam."""
    import nnlite as nn

    layers = [
        nn.Conv2D(8, 3, stride=2, padding="same"), nn.LayerNorm(), nn.ReLU(), nn.AveragePool2D(2), nn.Conv2D(16, 1),
        nn.Tanh(), nn.Conv2D(8, (3, 5)), nn.ReLU(), nn.GlobalAveragePooling(), nn.Dense(5),
    ]  # fmt: skip
    return after_steps(nn.Sequential(layers, (24, 30, 3)), nn.Adam(0.01), nn.SigmoidCrossEntropy(0.1), 32)


def dense() -> Arrays:
    """Dense layers of the published sizes; dropout, Nesterov's momentum, weight decay, clipping."""
    import nnlite as nn

    layers = [nn.Flatten(), nn.Dense(200), nn.ReLU(), nn.Dropout(0.5, 0.1), nn.Dense(50), nn.Tanh(), nn.Dense(10)]
    optimizer = nn.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=1e-3, clip_norm=1.0)
    return after_steps(nn.Sequential(layers, (40, 100, 1)), optimizer, nn.SoftmaxCrossEntropy(0.1), 200)


def recurrent() -> Arrays:
    """Gated recurrent units and long short-term memory, in both directions, on sequences of different length."""
    import nnlite as nn

    layers = [
        nn.TimeDistributed(nn.Dense(16)), nn.GRU(24, return_sequences=True, bidirectional=True), nn.Dropout(0.2),
        nn.LSTM(16, return_sequences=True), nn.GlobalMaxPooling(), nn.Dense(4),
    ]  # fmt: skip
    return after_steps(nn.Sequential(layers, (30, 12)), nn.Adam(0.003), nn.SoftmaxCrossEntropy(), 32)


def after_steps(network: Any, optimizer: Any, loss: Any, n: int) -> Arrays:
    """Parameters, losses, state of the optimizer and outputs after ten steps on batches of `n` samples."""
    import nnlite as nn

    rng = np.random.default_rng(1)
    n_classes = network.output_shape[-1]
    params = network.init(np.random.default_rng(0))
    state, losses = optimizer.init(params), []
    weights = np.full(n, 1 / n, np.float32)
    for step in range(STEPS):
        x = rng.standard_normal((n, *network.input_shape)).astype(np.float32)
        targets = np.eye(n_classes, dtype=np.float32)[rng.integers(0, n_classes, n)]
        settings = {"loss": loss, "optimizer": optimizer, "optimizer_state": state, "seed": (0, step)}
        losses.append(nn.train_step(network, params, x, targets, weights, **settings))
    outputs = nn.predict(network, params, x)
    named = {f"{name} of the optimizer": value for name, value in state.items()}
    return {**params, **named, "losses": np.array(losses), "outputs": outputs}


def classifier() -> Arrays:
    """A classifier: standardized, initialized by its data, stopped early, weighted."""
    import nnlite as nn

    layers = [nn.Conv2D(6, 3), nn.ReLU(), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(3), nn.Softmax()]
    model = nn.NetworkClassifier(
        nn.Sequential(layers, (8, 9, 1)), optimizer=nn.Adam(0.01), schedule=nn.Warmup(1, nn.LinearDecay()), init="lsuv",
        standardize_axes=(0, 2), class_weight="balanced", batch_size=40, max_epochs=2, patience=1, random_state=0,
    )  # fmt: skip
    rng = np.random.default_rng(2)
    x = 3 + 2 * rng.standard_normal((250, 8, 9, 1))
    model.fit(x, np.array(["a", "b", "c"])[rng.integers(0, 3, 250)])
    return {**model.params_, "probabilities": model.predict_proba(x[:50])}


def ensemble() -> Arrays:
    """An ensemble of two bags for each of three labels."""
    import nnlite as nn

    layers = [nn.Flatten(), nn.Dense(8), nn.Tanh(), nn.Dropout(0.5), nn.Dense(1), nn.Sigmoid()]
    member = nn.NetworkClassifier(nn.Sequential(layers, (8, 9, 1)), batch_size=20, max_epochs=5)
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((80, 8, 9, 1)), rng.integers(0, 2, (80, 3))
    model = nn.BaggedEnsemble(member, n_bags=2, random_state=0).fit(x, y)
    found = {
        f"label {k}, bag {bag}, {name}": value
        for k, bags in enumerate(model.members_)
        for bag, each in enumerate(bags)
        for name, value in each.params_.items()
    }
    return {**found, "probabilities": model.predict_proba(x)}


def sound() -> np.ndarray:
    """Three seconds of tones and noise at 22,050 Hz."""
    t = np.arange(3 * 22050) / 22050
    tones = np.sin(2 * np.pi * 220 * t * (1 + 0.1 * t)) + 0.5 * np.sin(2 * np.pi * 1760 * t)
    return (0.2 * tones + 0.05 * np.random.default_rng(4).standard_normal(len(t))).astype(np.float32)


def preset(name: str) -> Callable[[], Arrays]:
    """The function that returns features of a preset."""

    def features() -> Arrays:
        import mfcc

        recipe = mfcc.PRESETS[name]
        values = recipe(sound())
        return {"values": values, "deltas": mfcc.deltas(values), "normalized": mfcc.normalize(values, variance=True)}

    return features


def bands() -> Arrays:
    """Every output of a recipe before the cosine transform, other window lengths, and other filters."""
    import mfcc

    recipe = mfcc.MFCC(n_fft=1024, hop_length=300, n_mels=32, n_mfcc=20)
    outputs = ("spectrum", "log_spectrum", "mel", "log_mel")
    found = {output: recipe.replace(output=output)(sound()) for output in outputs}
    odd = recipe.replace(n_fft=600, win_length=450, mel_formula="slaney", filter_norm="slaney", c0="first")
    return found | {"odd": odd(sound()), "double": recipe(sound().astype(np.float64))}


def recordings() -> Arrays:
    """Tiles of a Vorbis file, and the stream of an Opus file, decoded and resampled."""
    import mfcc

    tiles = mfcc.tiles(ROOT / "examples/data/return_to_home.ogg")
    blocks = list(mfcc.stream(ROOT / "examples/data/Illurock.opus", mfcc.LIBROSA))
    return {"tiles": tiles.values, "levels": tiles.level_dbfs, "stream": np.concatenate(blocks, axis=1)}


def back() -> Arrays:
    """Sound from coefficients, with phases by Griffin and Lim."""
    import mfcc

    recipe = mfcc.LIBROSA
    return {
        "sound": mfcc.resynthesize(recipe(sound()), recipe, np.random.default_rng(5)),
        "log_mel": mfcc.to_log_mel(recipe(sound()), recipe),
    }


PRESETS = ("FILMSCORE", "HTK", "KALDI", "LIBROSA", "PYTHON_SPEECH_FEATURES", "TORCHAUDIO")
ROWS: dict[str, Callable[[], Arrays]] = {
    "network: convolutional": convolutional,
    "network: strided": strided,
    "network: dense": dense,
    "network: recurrent": recurrent,
    "classifier": classifier,
    "ensemble": ensemble,
    **{f"features: {name}": preset(name) for name in PRESETS},
    "features: bands and spectra": bands,
    "features: recordings": recordings,
    "features: back to sound": back,
}


def record(file: Path) -> None:
    """Write what the packages on the path compute: "row/array" -> values."""
    import mfcc
    import nnlite

    tree = Path(sys.path[0])  # as `computed` passes it
    for package in (nnlite, mfcc):
        assert Path(str(package.__file__)).is_relative_to(tree), f"{package.__name__}: expected that of {tree}"
    found = {f"{row}/{name}": value for row, compute in ROWS.items() for name, value in compute().items()}
    np.savez(file, **{name.replace("/", "\t"): value for name, value in found.items()})


def computed(tree: Path, file: Path) -> dict[str, np.ndarray]:
    """Return what the packages in a folder compute, in a process of its own."""
    program = (
        "import pathlib, runpy, sys; _, tree, script, file = sys.argv; sys.path[0] = tree; "
        "runpy.run_path(script)['record'](pathlib.Path(file))"
    )
    subprocess.run([sys.executable, "-c", program, str(tree), __file__, str(file)], check=True, cwd=tree)
    with np.load(file) as arrays:
        return {name.replace("\t", "/"): arrays[name] for name in arrays}


def compared(row: str, here: Mapping[str, np.ndarray], there: Mapping[str, np.ndarray]) -> str:
    """Return "equal", or where the arrays of a row differ."""
    names = [name for name in dict.fromkeys([*here, *there]) if name.startswith(f"{row}/")]
    for name in names:
        short = name.removeprefix(f"{row}/")
        if name not in here or name not in there:
            return f"differs: {short} is only {'there' if name in there else 'here'}"
        a, b = here[name], there[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"differs: {short}: {a.dtype}{list(a.shape)} here, {b.dtype}{list(b.shape)} there"
        if a.tobytes() != b.tobytes():
            most = float(np.max(np.abs(a.astype(float) - b.astype(float))))
            return f"differs: {short}: {int((a != b).sum()):,} of {a.size:,} numbers, by at most {most:.3g}"
    return f"equal ({len(names)} arrays)" if names else "differs: no arrays"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", metavar="COMMIT", help="whatever git understands: a hash, a branch, HEAD~3")
    commit = parser.parse_args().commit
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        try:
            subprocess.run([*git, "add", "--quiet", "--detach", str(other), commit], check=True)
            try:
                here = computed(ROOT, Path(folder) / "here.npz")
                there = computed(other, Path(folder) / "there.npz")
            finally:
                subprocess.run([*git, "remove", "--force", str(other)], check=True)
        except subprocess.CalledProcessError as error:
            print(f"same_bits: {error}", file=sys.stderr)
            return 2
    results = {row: compared(row, here, there) for row in ROWS}
    for row, result in results.items():
        print(f"{row:<36}{result}")
    return 0 if all(result.startswith("equal") for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
