"""The tools of /mcp, called by the client of the protocol's own package (PyPI: mcp) over a socket.

JOBS_URL and JOBS_TOKEN name the API and an agent that may do everything; ops/test-clients.sh starts one and runs this.
"""

import asyncio
import json
import os
from typing import Any

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

URL = os.environ["JOBS_URL"] + "/mcp"
TOOLS = {"enqueue", "job", "jobs", "requeue", "cancel", "tasks", "create_task", "run_now", "snooze", "queues"}
TOOLS |= {"explain", "explain_task", "explain_queue", "explain_batch"}


class Agent:
    """A session whose answers are read as JSON."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def call(self, tool: str, **arguments: Any) -> Any:
        answer = await self.session.call_tool(tool, arguments)
        assert not answer.is_error, answer
        return json.loads(answer.content[0].text)

    async def refused(self, tool: str, **arguments: Any) -> Any:
        answer = await self.session.call_tool(tool, arguments)
        assert answer.is_error, answer
        return json.loads(answer.content[0].text)


async def try_jobs(agent: Agent) -> None:
    key = os.urandom(8).hex()
    asked = {"kind": "of_mcp", "queue": "mcp", "args": {"n": 7}, "idempotency_key": key}
    first = await agent.call("enqueue", **asked)
    assert await agent.call("enqueue", **asked) == first, "the same call is done once"
    job = await agent.call("job", id=first["id"])
    assert (job["state"], job["args"]) == ("waiting", {"n": 7}), job
    why = await agent.call("explain", id=first["id"])
    assert why["reasons"], why
    listed = await agent.call("jobs", queue="mcp", limit=1, **{"args.n": "7"})
    assert listed["jobs"][0]["id"] == first["id"], listed
    assert any(queue["name"] == "mcp" for queue in (await agent.call("queues", limit=500))["queues"])
    assert (await agent.call("explain_queue", name="mcp"))["findings"], "no worker serves it"
    wrong = await agent.refused("enqueue", kind="of_mcp", priority=10)
    assert (wrong["status"], wrong["field"]) == (422, "priority"), wrong
    assert (await agent.call("cancel", id=first["id"], audit_reason="the test is over"))["cancelled"] == "now"
    assert (await agent.refused("requeue", id=first["id"]))["status"] == 404, "it is not dead"


async def try_tasks(agent: Agent) -> None:
    title = "of mcp " + os.urandom(8).hex()
    schedule = {"kind": "every", "expr": "1h"}
    task = await agent.call("create_task", title=title, kind="of_mcp", queue="mcp", schedule=schedule)
    found = await agent.call("tasks", title=title)
    assert [one["id"] for one in found["tasks"]] == [task["id"]], found
    why = await agent.call("explain_task", id=task["id"])
    assert (why["status"], why["next_run_at"]) == ("active", task["next_run_at"]), why
    later = await agent.call("snooze", id=task["id"], delay=600)
    assert later["next_run_at"] > task["next_run_at"], later
    made = await agent.call("run_now", id=task["id"])
    assert (await agent.call("cancel", id=made["job_id"]))["cancelled"] == "now"


async def main() -> None:
    headers = {"Authorization": "Bearer " + os.environ["JOBS_TOKEN"]}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        streamable_http_client(URL, http_client=http) as (read, write, *_),
        ClientSession(read, write) as session,
    ):
        told = await session.initialize()
        assert told.server_info.name == "ordinaut", told
        tools = (await session.list_tools()).tools
        assert {tool.name for tool in tools} == TOOLS, tools
        assert all(tool.description and tool.input_schema["properties"] for tool in tools), tools
        await try_jobs(Agent(session))
        await try_tasks(Agent(session))
    async with httpx2.AsyncClient(trust_env=False) as http:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        stranger = await http.post(URL, json=message, headers={"Authorization": "Bearer wrong"})
        assert stranger.status_code == 401, stranger
    print("mcp: every tool does what its route does")


asyncio.run(main())
