"""Calls of the agent's program as a user makes them."""

import json

import filmscore_agent


def run(*arguments):
    return filmscore_agent.main([str(argument) for argument in arguments])


def as_json(capsys, *arguments):
    capsys.readouterr()
    run(*arguments, "--json")
    return json.loads(capsys.readouterr().out)
