"""Workflows of DBOS whose steps do nothing: prints the steps that were recorded in a second."""

import sys
import time

from dbos import DBOS, Queue

url = sys.argv[1].replace("postgres://", "postgresql://", 1)
jobs, steps, threads = (int(number) for number in sys.argv[2:5])
DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})
queue = Queue("bench", concurrency=threads, polling_interval_sec=0.01)


@DBOS.step()
def step(n: int) -> int:
    return n


@DBOS.workflow()
def workflow() -> None:
    for n in range(steps):
        step(n)


DBOS.launch()
began = time.monotonic()
handles = [queue.enqueue(workflow) for _ in range(jobs)]
for handle in handles:
    handle.get_result()
print(jobs * steps / (time.monotonic() - began), flush=True)
DBOS.destroy()
