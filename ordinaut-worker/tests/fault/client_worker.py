"""What http_worker.py does, with the package of clients/python.

Usage: client_worker.py URL TOKEN SLOTS LEASE_SECONDS
"""

import logging
import sys
from typing import Any

import httpx

from ordinaut import AsyncContext, Worker

url, token, slots, lease = sys.argv[1:]
logging.basicConfig(level=logging.INFO, format="%(message)s")
logging.getLogger("httpx").setLevel(logging.WARNING)
worker = Worker(url, token, slots=int(slots), lease=float(lease), max_attempts=21)
calls = httpx.AsyncClient(timeout=60, trust_env=False)


@worker.handler("http")
async def http(args: dict[str, Any], ctx: AsyncContext) -> None:
    headers = {"x-ordinaut-token": ctx.lease.token, "idempotency-key": ctx.lease.token}
    await calls.get(args["url"], headers=headers)


worker.run()
