"""Check an installed wheel from outside the checkout: python check_wheel.py CHECKOUT WHEEL.

The wheel holds every module of nnlite, mfcc and filmscore with what they read, and nothing else (no test, no script).
Each module imports with the plain dependencies; those that need an extra say so. Then the commands do their work in an
empty folder, without the checkout: features of a recording, a scan, a search, and the page in a file.
"""

import importlib
import importlib.metadata
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FOLDERS = {"nnlite": "nnlite", "mfcc": "mfcc", "filmscore": "examples/filmscore"}
"""The folder of the checkout for each package of the wheel."""
DATA = {"filmscore/data/sample": "examples/data/sample", "filmscore/models": "examples/models"}
"""Folders of data."""
PATTERNS = ("*.py", "*.pyi", "py.typed", "page/*", "corpus/README.md", "corpus/*/*.csv")
EXTRAS = {"distributed", "matplotlib", "onnx", "selenium", "torch"}
"""Modules that no plain installation has."""
RECORDING = "examples/data/Illurock.opus"


def expected_files(checkout: Path) -> set[str]:
    """Return the names of the files that a wheel of the checkout should have."""
    code = {
        f"{package}/{path.relative_to(checkout / folder).as_posix()}"
        for package, folder in FOLDERS.items()
        for pattern in PATTERNS
        for path in (checkout / folder).rglob(pattern)
        if "__pycache__" not in path.parts
    }
    return code | {
        f"{package}/{path.name}" for package, folder in DATA.items() for path in (checkout / folder).iterdir()
    }


def check_files(checkout: Path, wheel: Path) -> None:
    expected = expected_files(checkout)
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    if packed != expected:
        sys.exit(f"{wheel.name}: missing {sorted(expected - packed)}, not expected {sorted(packed - expected)}")
    print(f"{wheel.name}: {len(packed)} files")


def check_imports(checkout: Path) -> None:
    modules = []
    for name in FOLDERS:
        package = importlib.import_module(name)
        if package.__file__ is None or checkout in Path(package.__file__).parents:
            sys.exit(f"{name} was imported from {package.__file__}, not from the installed wheel")
        modules += [module.name for module in pkgutil.walk_packages(package.__path__, f"{name}.")]
    without = []
    for module in modules:
        if module.endswith(".__main__"):
            continue
        try:
            importlib.import_module(module)
        except ImportError as error:
            if not module.startswith("filmscore.") or error.name not in EXTRAS:
                raise
            without.append(f"{module} (needs {error.name})")
    print(f"{len(modules) - len(without)} modules import; not without an extra: {', '.join(without) or 'none'}")


def check_commands(checkout: Path) -> None:
    """Run the commands as a new user does: from an empty folder, with an empty home."""
    version = importlib.metadata.version("nnlite")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "home").mkdir()
        (folder / "music").mkdir()
        recording = folder / "music" / "Illurock.opus"
        recording.write_bytes((checkout / RECORDING).read_bytes())
        names = {"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "PYTHONPATH", "FILMSCORE_SETTINGS"}
        environment = {name: value for name, value in os.environ.items() if name not in names}
        environment |= {"HOME": str(folder / "home"), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}

        def run(command: str, *arguments: str, status: int = 0) -> str:
            program = Path(sys.executable).with_name(command)
            done = subprocess.run(
                [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, errors="replace"
            )
            if done.returncode != status:
                sys.exit(f"{command} {' '.join(arguments)}: exit status {done.returncode}: {done.stderr}")
            return done.stdout + done.stderr

        for command in ("mfcc", "filmscore"):
            assert run(command, "--version") == f"{command} {version}\n"
            assert "exit status" in run(command, "--help").lower()
            assert command in run(command, "--print-completion", "bash")
        run("mfcc", "music/Illurock.opus", "--out", "features", "--format", "csv")
        (table,) = (folder / "features").rglob("*.csv")
        assert table.stat().st_size > 10_000
        assert "Make one: filmscore scan FOLDER" in run("filmscore", "find", "--want", "drama", status=2)
        assert "1 new" in run("filmscore", "scan", "music")
        assert (folder / "home/.local/share/filmscore-library/library.sqlite").is_file() or sys.platform != "linux"
        (found,) = json.loads(run("filmscore", "find", "--want", "thriller:1, comedy:-1", "--json"))
        assert Path(found["path"]).name == "Illurock.opus"
        run("filmscore", "explain", "Illurock")
        run("filmscore", "report", "page.html")
        assert "Illurock" in (folder / "page.html").read_text(encoding="utf-8")
    print("the commands mfcc and filmscore do their work in an empty folder")


def main(checkout: Path, wheel: Path) -> None:
    check_files(checkout, wheel)
    check_imports(checkout)
    check_commands(checkout)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
