"""Run `python -m mfcc`."""

import sys

from mfcc.command.program import main

if __name__ == "__main__":
    sys.exit(main())
