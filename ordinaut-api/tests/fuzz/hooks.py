"""What a fuzzer cannot know by the document: things that exist, and that a new request needs a new key.

Half of the requests that name something name what was made for it a moment before, so that verbs find something to do.
ORDINAUT_URL and ORDINAUT_TOKEN (an admin's) say where.
"""

import json
import os
import random
import urllib.request
import uuid

import schemathesis

URL, TOKEN = os.environ["ORDINAUT_URL"], os.environ["ORDINAUT_TOKEN"]


def call(method, path, body=None):
    """The answer as JSON; None if it is refused."""
    request = urllib.request.Request(URL + path, method=method, headers={"Authorization": f"Bearer {TOKEN}"})
    request.data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError:
        return None


def waiting_job():
    return call("POST", "/jobs", {"kind": "nobody", "queue": "fuzz", "delay": 3600, "args": {"n": 1}})


def ended_job():
    # Another request may have paused everything.
    call("POST", "/resume")
    job = call("POST", "/jobs", {"kind": "echo", "queue": "fuzz"})
    return job and call("GET", f"/jobs/{job['id']}/result?wait=0") and job


def task():
    schedule = {"kind": "every", "expr": "1h"}
    return call("POST", "/tasks", {"title": "t", "kind": "nobody", "queue": "fuzz", "schedule": schedule})


def dead_letter():
    """Of an earlier job that cannot read what it is given; this one is there for a later request."""
    call("POST", "/jobs", {"kind": "http", "queue": "fuzz", "args": {"url": 7}, "max_attempts": 1})
    found = call("GET", "/dead?queue=fuzz&limit=20")
    return {"id": random.choice(found["dead"])["job_id"]} if found and found["dead"] else None


def bulk_operation():
    return call("POST", "/bulk", {"verb": "run_now", "filter": {"queue": "nothing"}})


def named(method, path, body):
    """What is known by a name in its path or its body."""

    def make():
        name = f"n{random.randrange(10**9)}"
        return call(method, path.replace("{name}", name), {**body, "name": name}) and {"name": name}

    return make


def queue():
    return call("PATCH", "/queues/fuzz", {}) and {"name": "fuzz"}


def worker():
    found = call("GET", "/workers?limit=1")
    return {"name": found["workers"][0]["session"]} if found and found["workers"] else None


# The first whose path begins so makes what the rest of the path is about.
MAKERS = [
    ("/jobs/{id}/result", ended_job),
    ("/jobs/{id}", waiting_job),
    ("/runs/{id}", ended_job),
    ("/tasks/{id}", task),
    ("/dead/{id}", dead_letter),
    ("/bulk/{id}", bulk_operation),
    ("/webhooks/{name}", named("POST", "/webhooks", {"url": "https://receiver.invalid/", "types": ["queue_level"]})),
    ("/agents/{name}", named("POST", "/agents", {"scopes": ["jobs:read"]})),
    ("/limits/{name}", named("PUT", "/limits/{name}", {"kind": "nobody", "concurrency": 5})),
    ("/queues/{name}", queue),
    ("/workers/{name}", worker),
]


@schemathesis.hook
def before_call(context, case, kwargs):
    if "Idempotency-Key" in (case.headers or {}) and random.random() < 0.9:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    maker = next((make for path, make in MAKERS if case.path.startswith(path)), None)
    if maker and case.path_parameters and random.random() < 0.5 and (made := maker()):
        for name in ("id", "name"):
            if name in case.path_parameters and name in made:
                case.path_parameters[name] = made[name]
        if "attempt" in case.path_parameters:
            case.path_parameters["attempt"] = 1
