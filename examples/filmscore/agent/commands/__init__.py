"""What the agent can do, a module each: `HELP` in a line, `add_arguments(parser)`, and `run(options) -> int`."""

from filmscore.agent.commands import correct, explain, export, find, problems, scan, similar, surprise, tag, train

COMMANDS = {
    "scan": scan,
    "find": find,
    "similar": similar,
    "explain": explain,
    "tag": tag,
    "export": export,
    "correct": correct,
    "surprise": surprise,
    "train": train,
    "problems": problems,
}
