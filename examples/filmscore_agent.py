"""Search your music by film genre and by similarity, with the model that comes with the project or your own.

    python examples/filmscore_agent.py scan MUSIC                              # once, and again when there is more
    python examples/filmscore_agent.py find --want "thriller:1, comedy:-1"
    python examples/filmscore_agent.py similar MUSIC/cue.ogg --from 0:30 --to 0:50

This is the command `filmscore` of an installation. Every command has --help. docs/agent.md shows how to work with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from filmscore.agent.program import COMMANDS, main, parser

__all__ = ["COMMANDS", "main", "parser"]

if __name__ == "__main__":
    sys.exit(main())
