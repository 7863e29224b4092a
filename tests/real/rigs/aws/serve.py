"""Serves AWS's APIs on a port of this machine: moto, with a CloudFormation that is strict.

    python serve.py PORT
"""

import sys

import emulator
from moto.server import main

if __name__ == "__main__":
    emulator.prepare()
    main(["--port", sys.argv[1]])
