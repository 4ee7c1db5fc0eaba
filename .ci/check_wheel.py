"""Check an installed wheel from outside the checkout: python check_wheel.py CHECKOUT WHEEL.

The wheel holds every module of nnlite and mfcc, with what type checkers read of them, and nothing else (no test, no
example), and each module imports with the plain dependencies.
"""

import importlib
import pkgutil
import sys
import zipfile
from pathlib import Path

PACKAGES = ("nnlite", "mfcc")


def main(checkout: Path, wheel: Path) -> None:
    expected = {
        path.relative_to(checkout).as_posix()
        for package in PACKAGES
        for pattern in ("*.py", "*.pyi", "py.typed")
        for path in (checkout / package).rglob(pattern)
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    if packed != expected:
        sys.exit(f"{wheel.name}: missing {sorted(expected - packed)}, not expected {sorted(packed - expected)}")

    modules = []
    for name in PACKAGES:
        package = importlib.import_module(name)
        if package.__file__ is None or checkout in Path(package.__file__).parents:
            sys.exit(f"{name} was imported from {package.__file__}, not from the installed wheel")
        modules += [module.name for module in pkgutil.walk_packages(package.__path__, f"{name}.")]
    for module in modules:
        if not module.endswith(".__main__"):
            importlib.import_module(module)
    print(f"{wheel.name}: {len(packed)} files, {len(modules)} modules import")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
