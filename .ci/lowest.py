"""Print the lowest versions that setup.cfg allows, as requirements: python lowest.py SETUP_CFG [EXTRA ...]."""

import configparser
import re
import sys


def lowest(path: str, extras: list[str]) -> list[str]:
    """Each requirement `name>=version` of the package and of these extras as `name==version`."""
    config = configparser.ConfigParser()
    with open(path, encoding="utf-8") as file:
        config.read_file(file)
    lists = [config["options"]["install_requires"], *(config["options.extras_require"][extra] for extra in extras)]
    pinned = []
    for line in "\n".join(lists).split("\n"):
        if line.strip():
            bound = re.fullmatch(r"([\w.-]+)>=([\w.]+)( *;.*)?", line.strip())
            if bound is None:
                sys.exit(f"{path}: expected requirements like numpy>=2.3, got {line.strip()!r}")
            pinned.append(f"{bound[1]}=={bound[2]}{bound[3] or ''}")
    return pinned


if __name__ == "__main__":
    print(*lowest(sys.argv[1], sys.argv[2:]), sep="\n")
