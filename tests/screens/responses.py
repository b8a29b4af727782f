"""QStash's responses for the screens. Times are unix milliseconds around `NOW`."""

from __future__ import annotations

import base64
from typing import Any

NOW = 1_795_525_689.0  # 2026-11-24 13:08:09 UTC
NOW_MS = int(NOW) * 1000
DAY_MS = 86_400_000

HOST = "https://app.example.com"


def _id(n: int) -> str:
    return f"msg_26hZCxZCuWyyTWPmSVBrNCtiJGNsULpx{n:04d}"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _entry(n: int, state: str, path: str, seconds_ago: float, **more: Any) -> dict[str, Any]:
    at_ms = NOW_MS - int(seconds_ago * 1000)
    return {
        "time": at_ms, "messageId": _id(n), "state": state, "url": f"{HOST}{path}",
        "method": "POST",
        "header": {"Content-Type": ["application/json"]}, "maxRetries": 3,
        "body": _base64('{"order": 17}'),
    } | more  # fmt: skip


_INVOICES = "/api/invoices/monthly/2026/november/send"
_SUSPENDED: dict[str, Any] = {
    "responseStatus": 503,
    "responseBody": _base64("upstream is down for maintenance\nplease come back later"),
    "error": "503 Service Unavailable",
}
ENTRIES = [
    _entry(1, "DELIVERED", "/api/orders/created", 4.2, responseStatus=200, label="orders"),
    _entry(1, "ACTIVE", "/api/orders/created", 4.4, label="orders"),
    _entry(2, "RETRY", _INVOICES, 9, nextDeliveryTime=NOW_MS + 3000, label="billing",
           **_SUSPENDED),
    _entry(2, "ERROR", _INVOICES, 9, label="billing", **_SUSPENDED),
    _entry(2, "ACTIVE", _INVOICES, 10, label="billing"),
    _entry(1, "CREATED", "/api/orders/created", 11, label="orders"),
    _entry(2, "CREATED", _INVOICES, 12, label="billing"),
    _entry(3, "FAILED", "/hooks/stripe", 75, responseStatus=404, error="404 Not Found",
           topicName="payments", queueName="orders", responseBody=_base64("no route")),
    _entry(3, "ERROR", "/hooks/stripe", 76, responseStatus=404, error="404 Not Found",
           topicName="payments", queueName="orders", responseBody=_base64("no route")),
    _entry(3, "CREATED", "/hooks/stripe", 90, topicName="payments", queueName="orders"),
    _entry(4, "CANCELLED", "/日本語/注文", 3700, scheduleId="scd_nightly"),
    _entry(5, "DELIVERED", "/api/orders/created", 90_000, responseStatus=204),
]  # fmt: skip

MESSAGE = {
    "messageId": _id(1), "url": f"{HOST}/api/orders/created", "method": "POST",
    "header": {"Content-Type": ["application/json"], "X-Tenant": ["acme"]},
    "body": '{"order":17,"items":[{"sku":"A-1","count":2}],"note":"leave it with the neighbour"}',
    "createdAt": NOW_MS - 11_000, "notBefore": NOW_MS + 3_600_000, "maxRetries": 3,
    "retryDelayExpression": "pow(2, retried) * 1000", "labels": ["orders", "eu"],
    "flowControlKey": "acme", "parallelism": 5, "rate": 10, "period": 60,
    "callback": f"{HOST}/callbacks/orders", "failureCallback": f"{HOST}/callbacks/failed",
    "callerIP": "203.0.113.7",
}  # fmt: skip


def _dlq(n: int, status: int, path: str, seconds_ago: float, body: str) -> dict[str, Any]:
    return MESSAGE | {
        "messageId": _id(n), "dlqId": f"1795525{n:03d}000-0", "url": f"{HOST}{path}",
        "createdAt": NOW_MS - int(seconds_ago * 1000), "responseStatus": status,
        "responseBody": body, "responseHeader": {"Content-Type": ["text/plain"]}, "notBefore": None,
    }  # fmt: skip


DLQ = [
    _dlq(3, 404, "/hooks/stripe", 75, "no route"),
    _dlq(6, 503, _INVOICES, 4000, "upstream is down\nretry later"),
    _dlq(7, 0, "/api/orders/created", 200_000, ""),
]
SCHEDULES: list[dict[str, Any]] = [
    {"scheduleId": "nightly", "cron": "CRON_TZ=Europe/Berlin 0 3 * * *", "isPaused": False,
     "destination": f"{HOST}/jobs/nightly-report", "method": "POST", "retries": 3,
     "createdAt": NOW_MS - 40 * DAY_MS, "lastScheduleTime": NOW_MS - 40_000_000,
     "nextScheduleTime": NOW_MS + 46_311_000, "label": "reports",
     "lastScheduleStates": {_id(8): "SUCCESS"}},
    {"scheduleId": "scd_7YoJxFpwkEy5zBp378JgvD6YBDPBEqkBread", "cron": "*/15 * * * *",
     "isPaused": True, "destination": "payments", "method": "POST", "retries": 3,
     "createdAt": NOW_MS - 3 * DAY_MS, "nextScheduleTime": NOW_MS + 411_000, "queueName": "orders",
     "lastScheduleStates": {_id(9): "FAIL"}},
]  # fmt: skip
URL_GROUPS = [
    {"name": "payments", "createdAt": NOW_MS - 9 * DAY_MS, "updatedAt": NOW_MS - DAY_MS,
     "endpoints": [{"name": "ledger", "url": f"{HOST}/ledger"}, {"url": f"{HOST}/hooks/stripe"}]},
    {"name": "audit", "createdAt": NOW_MS - 9 * DAY_MS, "updatedAt": NOW_MS - 9 * DAY_MS,
     "endpoints": []},
]  # fmt: skip
QUEUES = [
    {"name": "orders", "parallelism": 2, "lag": 1204, "paused": False,
     "createdAt": NOW_MS - 9 * DAY_MS, "updatedAt": NOW_MS - 60_000},
    {"name": "emails", "parallelism": 10, "lag": 0, "paused": True,
     "createdAt": NOW_MS - 9 * DAY_MS, "updatedAt": NOW_MS - DAY_MS},
]  # fmt: skip
FLOWS = [
    {"flowControlKey": "acme", "waitListSize": 42, "parallelismMax": 5, "parallelismCount": 5,
     "rateMax": 10, "rateCount": 3, "ratePeriod": 60, "isPaused": False,
     "isPinnedParallelism": True, "isPinnedRate": False},
    {"flowControlKey": "globex", "waitListSize": 0, "rateMax": 100, "rateCount": 0,
     "ratePeriod": 1, "isPaused": True, "isPinnedParallelism": False, "isPinnedRate": False},
]  # fmt: skip
ACTIONS = [
    {"actionId": "bulk_3", "kind": "cancel", "state": "IN_PROGRESS", "total": 5000,
     "processed": 1250, "createdAt": NOW_MS - 5000, "filter": {"label": ["nightly"]}},
    {"actionId": "bulk_2", "kind": "cancel", "state": "FINISHED", "total": 12, "processed": 12,
     "createdAt": NOW_MS - DAY_MS, "completedAt": NOW_MS - DAY_MS + 900, "filter": {}},
]  # fmt: skip


def _step(n: int, name: str, kind: str, seconds_ago: float, **fields: Any) -> dict[str, Any]:
    return {
        "stepId": n, "stepName": name, "stepType": kind, "state": "STEP_SUCCESS",
        "createdAt": NOW_MS - int(seconds_ago * 1000), "concurrent": 1,
    } | fields  # fmt: skip


def _group(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "parallel" if len(steps) > 1 else "sequential", "steps": list(steps)}


_CHARGE = {"status": 500, "body": "card declined", "error": "", "time": NOW_MS - 3_000}
RUNS: list[dict[str, Any]] = [
    {"workflowRunId": "wfr_Kq8dZ", "workflowUrl": f"{HOST}/workflows/onboard",
     "workflowState": "RUN_STARTED", "workflowRunCreatedAt": NOW_MS - 75_000,
     "label": "eu", "labels": ["eu"], "steps": [
        _group(_step(0, "init", "Initial", 75, out='{"user":"ada"}')),
        _group(_step(1, "create account", "Run", 74, out='{"id":17}')),
        _group(_step(2, "send mail", "Run", 72, out="null"),
               _step(3, "fill profile", "Call", 71, callUrl="https://api.example.com/profiles/17",
                     callResponseStatus=201, out="...")),
        _group(_step(4, "confirmed", "Wait", 70, state="STEP_PROGRESS",
                     waitEventId="user-17-confirmed")),
     ]},
    {"workflowRunId": "wfr_Pw3nB", "workflowUrl": f"{HOST}/workflows/checkout",
     "workflowState": "RUN_FAILED", "workflowRunCreatedAt": NOW_MS - 9_000,
     "dlqId": "1795525003000-0",
     "workflowRunCompletedAt": NOW_MS - 3_000, "labels": [],
     "failureFunction": {"state": "CALLBACK_SUCCESS", "failResponse": "card declined"}, "steps": [
        _group(_step(0, "init", "Initial", 9, out='{"order":17}')),
        {"type": "next", "steps": [
            {"stepName": "charge", "state": "STEP_FAILED", "errors": [_CHARGE]}]},
     ]},
]  # fmt: skip
FAILED_RUNS: list[dict[str, Any]] = [
    {"dlqId": "1795525003000-0", "messageId": "msg_3", "workflowRunId": "wfr_Pw3nB",
     "workflowUrl": f"{HOST}/workflows/checkout", "url": f"{HOST}/workflows/checkout",
     "workflowCreatedAt": NOW_MS - 9_000, "responseStatus": 500, "responseBody": "card declined",
     "failureCallbackInfo": {"state": "CALLBACK_SUCCESS", "responseStatus": 200}},
    {"dlqId": "1795524990000-0", "messageId": "msg_4", "workflowRunId": "wfr_Xb9kQ",
     "workflowUrl": f"{HOST}/workflows/onboard", "url": f"{HOST}/workflows/onboard",
     "workflowCreatedAt": NOW_MS - 90_000, "responseStatus": 503, "labels": ["eu"],
     "responseBody": "<html>unavailable</html>"},
]  # fmt: skip
