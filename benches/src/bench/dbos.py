"""Workflows of DBOS whose steps do nothing: prints the steps that were recorded in a second."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS

url = sys.argv[1].replace("postgres://", "postgresql://", 1)
jobs, steps, threads = (int(number) for number in sys.argv[2:5])
DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})


@DBOS.step()
def step(n: int) -> int:
    return n


@DBOS.workflow()
def workflow() -> None:
    for n in range(steps):
        step(n)


DBOS.launch()
with ThreadPoolExecutor(threads) as pool:
    began = time.monotonic()
    for done in [pool.submit(workflow) for _ in range(jobs)]:
        done.result()
    print(jobs * steps / (time.monotonic() - began), flush=True)
DBOS.destroy()
