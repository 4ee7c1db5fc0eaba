"""What the agent can do, a module each: `HELP` in a line, `add_arguments(parser)`, and `run(options) -> int`."""

from filmscore.agent.commands import (
    correct,
    explain,
    export,
    find,
    problems,
    report,
    scan,
    serve,
    similar,
    surprise,
    tag,
    train,
)

COMMANDS = {
    "scan": scan,
    "find": find,
    "similar": similar,
    "explain": explain,
    "tag": tag,
    "export": export,
    "report": report,
    "serve": serve,
    "correct": correct,
    "surprise": surprise,
    "train": train,
    "problems": problems,
}
