"""A worker over HTTP for the fault lab, with nothing but Python's own library.

Its jobs are of the kind http: it calls their URL under the token of its lease, and the sink there notes the call.
It keeps the rules of docs/workers-over-http.md: a heartbeat each second from a thread of its own, every token in
`running` until its settle was answered, and a handler that stops when its lease is lost. What it says goes to
standard error, a line each: "opened SESSION", "lost TOKEN" of an end that was refused.

Usage: http_worker.py URL TOKEN SLOTS LEASE_SECONDS
"""

import http.client
import json
import queue
import sys
import threading
import time
from urllib.parse import urlsplit

url, secret, slots, lease = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
api = urlsplit(url)
connections = threading.local()
lock = threading.Lock()


def say(text):
    print(text, file=sys.stderr, flush=True)


def call(path, body, timeout=40):
    """Status and body of the answer; status 0: there was none."""
    try:
        if not getattr(connections, "api", None):
            connections.api = http.client.HTTPConnection(api.hostname, api.port, timeout=timeout)
        connections.api.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {secret}"})
        answer = connections.api.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError):
        connections.api = None
        return 0, {}


class Life:
    """One session: what runs under it, and until when its leases hold."""

    def __init__(self):
        while True:
            sent = time.monotonic()
            new = {"name": "http-worker", "queues": ["default"], "kinds": ["http"], "capacity": slots,
                   "lease_seconds": lease, "max_attempts": 21}
            status, opened = call("/sessions", new)
            if status == 201:
                break
            time.sleep(0.2)
        self.session, self.until = opened["session"], sent + lease * 5 / 6
        self.running, self.answered, self.dead, self.beat = {}, 0, False, opened["heartbeat_seconds"]
        say(f"opened {self.session}")

    def holds(self):
        return not self.dead and time.monotonic() < self.until

    def end(self):
        with lock:
            self.dead = True
            stopped, self.running = list(self.running.values()), {}
        for handler in stopped:
            handler.stop()

    def beats(self):
        while self.holds():
            sent = time.monotonic()
            with lock:
                said = {"running": list(self.running), "answered": self.answered}
            status, answer = call(f"/sessions/{self.session}/heartbeat", said, timeout=lease / 3)
            if status == 200:
                self.until = sent + lease * 5 / 6
                for lost in answer["lost"]:
                    with lock:
                        gone = [h for t, h in self.running.items() if t.startswith(f"{lost['job_id']}:{lost['attempt']}:")]
                    for handler in gone:
                        handler.stop()
            elif status in (404, 409):
                break
            time.sleep(self.beat)
        self.end()


class Handler:
    def __init__(self, life, job):
        self.life, self.job, self.token, self.stopped = life, job, job["token"], False
        self.connection = None

    def stop(self):
        self.stopped = True
        if self.connection and self.connection.sock:
            try:
                self.connection.sock.shutdown(2)
            except OSError:
                pass

    def run(self):
        end = {"token": self.token, "outcome": "succeeded"}
        # A handler neither starts nor goes on without its lease.
        if self.life.holds() and not self.stopped:
            to = urlsplit(self.job["args"]["url"])
            self.connection = http.client.HTTPConnection(to.hostname, to.port, timeout=60)
            headers = {"x-ordinaut-token": self.token, "idempotency-key": self.token}
            try:
                self.connection.request("GET", to.path, headers=headers)
                self.connection.getresponse().read()
            except (OSError, http.client.HTTPException) as error:
                end = {"token": self.token, "outcome": "failed", "error": str(error) or "stopped", "after_seconds": 0}
        else:
            end = {"token": self.token, "outcome": "released"}
        while True:
            status, answer = call("/leases/settle", {"ends": [end]})
            if status == 200:
                if answer["answers"][0]["status"] == "lease_lost":
                    say(f"lost {self.token}")
                break
            time.sleep(0.2)
        with lock:
            self.life.running.pop(self.token, None)


def work(jobs):
    while True:
        jobs.get().run()
        free.release()


free, jobs = threading.Semaphore(slots), queue.Queue()
for _ in range(slots):
    threading.Thread(target=work, args=(jobs,), daemon=True).start()
life, claim = None, 0
while True:
    if life is None or life.dead:
        life, claim = Life(), 0
        threading.Thread(target=life.beats, daemon=True).start()
    free.acquire()
    wanted = 1
    while wanted < slots and free.acquire(blocking=False):
        wanted += 1
    claim, leases, again = claim + 1, None, False
    while leases is None and not life.dead:
        asked = {"session": life.session, "claim": claim, "max": wanted, "wait_seconds": 5, "again": again}
        status, answer = call("/leases", asked)
        if status == 200:
            leases = answer["leases"]
        elif status in (404, 409):
            life.end()
        else:
            again = True
            time.sleep(0.2)
    handlers = [Handler(life, job) for job in leases or []]
    with lock:
        if life.dead:
            handlers = []
        life.running.update((handler.token, handler) for handler in handlers)
        life.answered = claim
    for handler in handlers:
        jobs.put(handler)
    for _ in range(wanted - len(handlers)):
        free.release()
