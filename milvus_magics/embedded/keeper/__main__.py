"""Run as a program: makes this directory a package without importing milvus_magics around it."""

import importlib
import os
import sys

if __name__ == "__main__":
    # What `-I` leaves first on the path is this directory itself.
    sys.path[:] = [*sys.path[1:], os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    importlib.import_module("keeper.keeper").main()
