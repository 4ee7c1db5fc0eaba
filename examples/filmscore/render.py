"""Make recordings of what is stored as notes: tracker modules with openmpt123, MIDI files with fluidsynth.

A manifest names the renderer of such a file with its version, and a soundfont where there is one: "openmpt123 0.6.9",
"fluidsynth 2.3.1 FluidR3_GM.sf2". Another version renders a little differently, so a rendering has no hash; the file
that it is made from has one.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

SUFFIX = ".flac"
SAMPLE_RATE = 22_050
SOUNDFONTS = Path("/usr/share/sounds/sf2")
TIMEOUT_S = 600


class RenderError(Exception):
    """A file that could not be rendered; the message says why and what to do."""


def render(source: Path, target: Path, renderer: str) -> None:
    """Write the recording of a module or MIDI file, in FLAC; `target` appears only when it is complete."""
    tool, _, rest = renderer.partition(" ")
    _, _, soundfont = rest.partition(" ")
    part = target.with_name(f".{os.getpid()}.part{SUFFIX}")
    if tool == "openmpt123":
        command = [*_MODULES, "--output", str(part), "--", str(source)]
    elif tool == "fluidsynth" and soundfont:
        command = [*_MIDI, "--fast-render", str(part), _find_soundfont(soundfont), str(source)]
    else:
        raise RenderError(f"{source}: expected a renderer openmpt123 or fluidsynth with a soundfont, got {renderer!r}")
    if shutil.which(tool) is None:
        raise RenderError(f"{tool} is not on this system. Install it: {source.suffix} files are rendered with it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=TIMEOUT_S
        )
        if result.returncode or not part.is_file() or not part.stat().st_size:
            said = (result.stderr or result.stdout).strip().splitlines()
            raise RenderError(f"{source}: {tool} could not render it ({said[-1] if said else 'no output'})")
        part.replace(target)
    except subprocess.TimeoutExpired:
        raise RenderError(f"{source}: {tool} took longer than {TIMEOUT_S} s") from None
    finally:
        part.unlink(missing_ok=True)


def installed(renderer: str) -> str:
    """Return the version of the tool on this system that a manifest's renderer names, or "" where it is missing."""
    tool = renderer.partition(" ")[0]
    if shutil.which(tool) is None:
        return ""
    result = subprocess.run([tool, "--version"], capture_output=True, text=True, errors="replace", check=False)
    found = re.search(r"\d+(\.\d+)+", result.stdout + result.stderr)
    return found.group() if found else ""


_MODULES = ["openmpt123", "--batch", "--quiet", "--force", "--samplerate", str(SAMPLE_RATE), "--channels", "1"]
_MIDI = ["fluidsynth", "-n", "-i", "-q", "-g", "0.5", "-r", str(SAMPLE_RATE), "-T", "flac"]


def _find_soundfont(name: str) -> str:
    path = SOUNDFONTS / name
    if not path.is_file():
        raise RenderError(f"no soundfont {name} in {SOUNDFONTS}. Install it (in Debian: fluid-soundfont-gm).")
    return str(path)
