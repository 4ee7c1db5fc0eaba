"""The order of imports inside mfcc, and what it may not import or change."""

import ast

from tests.sources import imports, none, part_of, sources, top_of

VECTOR_TOOLS = ("nnlite.runtime.jit", "nnlite.runtime.memory", "nnlite.runtime.simd", "nnlite.runtime.simd_math")

# What each file or folder of mfcc stands on, from the ground up; those in one row do not know each other. A new file
# belongs into a folder (sound, kernels, inverse, htk, pictures, command); one in the root of mfcc needs a row here.
MFCC_BELOW = {
    "checks threads kernels": "",
    "windows framing mel fft": "checks threads kernels",
    "dct": "fft",
    "delta_features normalization running_normalization": "checks kernels",
    "sound": "kernels",
    "knobs": "windows framing mel fft",
    "describe": "knobs",
    "chain": "knobs dct",
    "streaming": "chain sound",
    "descriptors": "chain",
    "recipe": "describe streaming",
    "presets feature_names audio inverse": "recipe",
    "recordings": "audio presets",
    "htk": "presets delta_features normalization",
    "tiling": "recordings",
    "pictures": "recordings inverse feature_names",
    "command": "tiling pictures htk",
    "__main__": "command",
}


def test_mfcc_knows_nothing_of_networks():
    wrong = []
    for source in sources("mfcc"):
        for module, place in imports(source):
            if module == "nnlite.version":  # one distribution has one version
                continue
            if top_of(module) == "nnlite" and not (source.of_kernels and module in VECTOR_TOOLS):
                wrong.append(f"{place}: {source.module} may not import {module} (mfcc.kernels may: {VECTOR_TOOLS})")
    none(wrong)


def below_in_mfcc() -> dict[str, frozenset[str]]:
    """The transitive closure of `MFCC_BELOW`, a row for each file or folder."""
    below: dict[str, frozenset[str]] = {}
    for names, direct in MFCC_BELOW.items():
        found = frozenset(direct.split()).union(*(below[other] for other in direct.split()))
        below |= dict.fromkeys(names.split(), found)
    return below


def test_mfcc_has_no_loose_files():
    parts = {source.part for source in sources("mfcc")} - {""}
    new, gone = sorted(parts - below_in_mfcc().keys()), sorted(below_in_mfcc().keys() - parts)
    assert not new, f"move {new} into a folder of mfcc, or give it a row in MFCC_BELOW"
    assert not gone, f"take {gone} out of MFCC_BELOW"


def test_mfcc_imports_what_is_below():
    wrong, below = [], below_in_mfcc()
    for source in sources("mfcc"):
        allowed = below.get(source.part, frozenset()) | {source.part}
        for module, place in imports(source):
            if top_of(module) == "mfcc" and part_of(module) not in allowed:
                wrong.append(f"{place}: {source.module} may not import {module}")
    none(wrong)


def test_mfcc_changes_no_finished_recipe():
    wrong = []
    for source in sources("mfcc"):
        for function in ast.walk(source.tree):
            if isinstance(function, ast.FunctionDef) and function.name != "__post_init__":
                changes = (node for node in ast.walk(function) if isinstance(node, ast.Attribute))
                wrong += [source.at(node.lineno) for node in changes if ast.unparse(node) == "object.__setattr__"]
    none(wrong)
