"""`python -m ordinaut.worker module:worker` runs the worker of that name in that module."""

from __future__ import annotations

import importlib
import logging
import sys

from ordinaut.errors import OrdinautError
from ordinaut.worker.worker import Worker

USAGE = "usage: python -m ordinaut.worker MODULE:NAME"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or ":" not in arguments[0]:
        print(USAGE, file=sys.stderr)
        return 2
    module, name = arguments[0].split(":", 1)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # It says each request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    worker = getattr(importlib.import_module(module), name, None)
    if not isinstance(worker, Worker):
        print(f"error: {module} has no worker {name}", file=sys.stderr)
        return 2
    try:
        worker.run()
    except OrdinautError as error:
        print(f"error: could not run the worker: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
