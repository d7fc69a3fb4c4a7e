"""HTTP calls to Milvus's internal ports: a health check, and three corrections."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any

from .control import StartError

SESSIONS = "by-dev/meta/session"
ROOT_USER = "by-dev/meta/root-coord/credential/users/root"
NO_HASH = "!"  # as in /etc/shadow: no password has it


def is_healthy(port: int) -> bool:
    """Whether every component of Milvus is healthy."""
    status, text = _ask(port, "GET", "/healthz")
    return status == 200 and b"OK" in text


def remove_dead_sessions(port: int) -> None:
    """Remove the sessions that an earlier server of this directory left in etcd.

    Milvus takes them for live servers until its leases end: starting would last 8 s instead of 3, and the first change
    of a user 26 s. Each server raises the counter `id` before it writes, so what is older isn't its own.
    """
    reply = _etcd(port, "range", key=_b64(f"{SESSIONS}/"), range_end=_b64(f"{SESSIONS}0"), keys_only=True)
    revisions = {kv["key"]: int(kv["mod_revision"]) for kv in reply.get("kvs", ())}
    born = revisions.pop(_b64(f"{SESSIONS}/id"), 0)
    for key, revision in revisions.items():
        if revision < born:
            unchanged = {"key": key, "target": "MOD", "mod_revision": str(revision), "result": "EQUAL"}
            delete = {"request_delete_range": {"key": key}}
            _etcd(port, "txn", compare=[unchanged], success=[delete])


def lock_root(port: int) -> None:
    """Make root a user whom no password fits, so that Milvus doesn't make one with the well-known password."""
    _etcd(port, "put", key=_b64(ROOT_USER), value=_b64(json.dumps({"encrypted_password": NO_HASH})))


def set_root_password(ports: dict[str, int], password: str) -> None:
    """Set root's password without knowing the one before.

    Root is taken out of the store and created anew; its roles and grants are stored elsewhere and stay. The metrics
    port serves Milvus's REST interface without credentials and TLS, whatever the proxy's port demands.
    """
    _etcd(ports["etcd"], "deleterange", key=_b64(ROOT_USER))
    user = {"username": "root", "password": _b64(password)}
    status, text = _ask(ports["metrics"], "POST", "/api/v1/credential", user)
    answer = json.loads(text) if status == 200 else {"reason": f"HTTP status {status}"}
    if answer.get("error_code") or answer.get("code") or answer.get("reason"):
        raise StartError(f"root's password cannot be set: {answer.get('reason', answer)}")


def _etcd(port: int, what: str, **request: object) -> dict[str, Any]:
    status, text = _ask(port, "POST", f"/v3/kv/{what}", request)
    if status != 200:
        raise StartError(f"its etcd answers {status} to {what}")
    answer: dict[str, Any] = json.loads(text)
    return answer


def _ask(port: int, method: str, path: str, body: object = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
