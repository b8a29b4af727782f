// Run by `qstash dev -- node check.mjs`: the workflow SDK runs unchanged against the server.
import assert from "node:assert/strict";
import { Client as QStash } from "@upstash/qstash";
import { Client } from "@upstash/workflow";
import { calls, deliveries, failures, ran, start } from "./app.mjs";

console.error = console.warn = () => {};
const app = await start();
const client = new Client({ baseUrl: process.env.QSTASH_URL, token: process.env.QSTASH_TOKEN });
const url = (name) => `${app.origin}/w/${name}`;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(condition, what) {
  for (let tries = 0; tries < 400; tries++) {
    const found = await condition();
    if (found) return found;
    await pause(50);
  }
  assert.fail(`timed out: ${what}`);
}

async function logOf(workflowRunId) {
  const { runs } = await client.logs({ workflowRunId });
  return runs[0];
}

const ended = (workflowRunId) =>
  until(async () => {
    const run = await logOf(workflowRunId);
    return run && run.workflowState !== "RUN_STARTED" && run;
  }, `run ${workflowRunId}`);

async function resultOf(name, body, options = {}) {
  const { workflowRunId } = await client.trigger({ url: url(name), body, ...options });
  const run = await ended(workflowRunId);
  assert.equal(run.workflowState, "RUN_SUCCESS", JSON.stringify(run));
  const states = run.steps.flatMap((group) => group.steps.map((step) => `${group.type} ${step.state}`));
  const others = states.filter((state) => !/^(sequential|parallel) STEP_SUCCESS$/.test(state));
  assert.deepEqual(others, [], JSON.stringify(run.steps));
  return JSON.parse(run.workflowRunResponse);
}

const checks = {
  async "three steps, with id, label, headers and flow control"() {
    const options = {
      workflowRunId: "three", label: ["one-label", "other"], headers: { "x-user": "me" }, retries: 1,
      flowControl: { key: "three", parallelism: 1 },
    };
    const result = await resultOf("steps", "p", options);
    assert.deepEqual(result, [{ one: "p 1" }, "me", "one-label"]);
    assert.equal(ran.wfr_three, 1);
    const run = await logOf("wfr_three");
    assert.deepEqual(run.labels, ["one-label", "other"]);
    const groups = run.steps.map((group) => [group.type, group.steps.map((step) => step.stepName)]);
    assert.deepEqual(groups, [
      ["sequential", ["init"]], ["sequential", ["one"]], ["sequential", ["two"]],
      ["sequential", ["three"]],
    ]);
    assert.ok(run.steps.every((group) => group.steps[0].state === "STEP_SUCCESS"));
    const delivered = deliveries.filter((one) => one.headers["upstash-workflow-runid"] === "wfr_three");
    assert.equal(delivered.length, 4);
    for (const one of delivered) {
      assert.equal(one.headers["upstash-workflow-createdat"], String(run.workflowRunCreatedAt));
      assert.equal(one.headers["upstash-label"], "one-label,other");
    }
  },
  async "a run id that is in use"() {
    const options = { url: url("sleeps"), workflowRunId: "twice", delay: 3600 };
    await client.trigger(options);
    await client.trigger(options);
    assert.equal((await client.logs({ workflowRunId: "wfr_twice" })).runs.length, 1);
    assert.deepEqual(await client.cancel("wfr_twice"), { cancelled: 1 });
    assert.deepEqual(await client.cancel("wfr_twice"), { cancelled: 0 });
    assert.equal((await logOf("wfr_twice")).workflowState, "RUN_CANCELED");
  },
  async "sleep and sleepUntil"() {
    const started = Date.now();
    assert.equal(await resultOf("sleeps"), "awake");
    assert.ok(Date.now() - started >= 1500);
  },
  async "calls that succeed, fail and are retried"() {
    const result = await resultOf("calling", { url: "payload" });
    assert.deepEqual(result, [
      200, 'third party: {"hello":"wörld"}', 400, "third party: ", 503, "payload",
    ]);
    const own = calls.filter((call) => !call.url.includes("of="));
    assert.equal(own.length, 4);
    assert.equal(own[0].headers["x-call"], "yes");
    for (const call of calls) {
      const names = Object.keys(call.headers);
      assert.deepEqual(names.filter((name) => name.startsWith("upstash-workflow")), []);
    }
  },
  async "wait, with a timeout, and notify before and after it"() {
    const { workflowRunId } = await client.trigger({ url: url("waits"), body: { event: "e" } });
    await client.notify({ eventId: "e-early", eventData: "early", workflowRunId });
    const waiters = await until(async () => {
      const found = await client.getWaiters({ eventId: "e-late" });
      return found.length && found;
    }, "a waiter");
    assert.equal(waiters[0].url, url("waits"));
    const [notified] = await client.notify({ eventId: "e-late", eventData: { late: 1 } });
    assert.equal(notified.waiter.url, url("waits"));
    const run = await ended(workflowRunId);
    assert.deepEqual(JSON.parse(run.workflowRunResponse), [true, "early", { late: 1 }]);
  },
  async "notify in a workflow"() {
    const result = await resultOf("notifies", { event: "n", run: 1 });
    assert.deepEqual(result, [0, "n-kept", { kept: true }, 1]);
  },
  async "webhooks"() {
    assert.deepEqual(await resultOf("webhooks"), [true, 200, "PUT", "yes", { hook: 1 }, true]);
  },
  async "invoke"() {
    const [good, failed, canceled, started] = await resultOf("invokes", { childId: "child-1" });
    assert.deepEqual(good, {
      body: { got: "work", header: "yes", label: "of-child" }, isFailed: false, isCanceled: false,
    });
    assert.deepEqual(failed, { isFailed: true, isCanceled: false });
    assert.deepEqual(canceled, { isFailed: false, isCanceled: true });
    assert.equal(started, "string");
    assert.ok((await logOf("wfr_child-1")).invoker.workflowRunId.startsWith("wfr_"));
  },
  async "parallel steps"() {
    assert.deepEqual(await resultOf("parallel"), [0, 1, 200, 2, true, 3]);
    assert.equal(ran.parallel, 2);
  },
  async "a failing step, its failure function, resume and restart"() {
    const { workflowRunId } = await client.trigger({
      url: url("fails"), body: { mode: "retry" }, retries: 1, retryDelay: "100",
      headers: { "x-user": "me" }, label: "failing",
    });
    const run = await ended(workflowRunId);
    assert.equal(run.workflowState, "RUN_FAILED");
    assert.equal(ran["fails retry"], 2);
    await until(() => failures[workflowRunId], "the failure function");
    assert.deepEqual(failures[workflowRunId], {
      failStatus: 500, failResponse: "broken", payload: { mode: "retry" }, user: "me",
    });
    const last = run.steps.at(-1);
    assert.equal(last.type, "next");
    assert.equal(last.steps[0].state, "STEP_FAILED");
    assert.equal(last.steps[0].stepName, "fails");
    await until(async () => (await logOf(workflowRunId)).failureFunction?.state === "CALLBACK_SUCCESS");
    const { messages } = await client.dlq.list({ filter: { label: "failing" } });
    assert.equal(messages[0].workflowRunId, workflowRunId);
    assert.equal(messages[0].failureCallbackInfo.state, "CALLBACK_SUCCESS");
    assert.equal(messages[0].dlqId, run.dlqId);
    globalThis.repaired = true;
    const before = ran["done retry"];
    const { workflowRuns: [resumed] } = await client.dlq.resume(run.dlqId);
    assert.notEqual(resumed.workflowRunId, workflowRunId);
    assert.equal((await ended(resumed.workflowRunId)).workflowRunResponse, '"done"');
    assert.equal(ran["done retry"], before);
    globalThis.repaired = false;
    const again = await client.trigger({ url: url("fails"), body: { mode: "retry" }, retries: 0 });
    const { dlqId } = await ended(again.workflowRunId);
    globalThis.repaired = true;
    const { workflowRuns: [restarted] } = await client.dlq.restart([dlqId], { retries: 0 });
    assert.equal((await ended(restarted.workflowRunId)).workflowState, "RUN_SUCCESS");
    assert.equal(ran["done retry"], before + 2);
    globalThis.repaired = false;
  },
  async "an error that is not retried, and a failure function that fails"() {
    globalThis.cannotReport = "final";
    const { workflowRunId } = await client.trigger({
      url: url("fails"), body: { mode: "final" }, retries: 3, retryDelay: "100", label: "final",
    });
    assert.equal((await ended(workflowRunId)).workflowState, "RUN_FAILED");
    assert.equal(ran["fails final"], 1);
    const entry = await until(async () => {
      const { messages } = await client.dlq.list({ filter: { label: "final" } });
      return messages[0]?.failureCallbackInfo?.state === "CALLBACK_FAIL" && messages[0];
    }, "the failure of the failure function");
    globalThis.cannotReport = undefined;
    const retried = await client.dlq.retryFailureFunction({ dlqId: entry.dlqId });
    assert.equal(retried.workflowRunId, workflowRunId);
    await until(async () => (await logOf(workflowRunId)).failureFunction?.state === "CALLBACK_SUCCESS");
    assert.equal((await client.dlq.delete([entry.dlqId])).deleted, 1);
    assert.deepEqual((await client.dlq.list({ filter: { label: "final" } })).messages, []);
  },
  async "a destination that is not a workflow"() {
    const { workflowRunId } = await client.trigger({ url: `${app.origin}/plain` });
    const run = await ended(workflowRunId);
    assert.equal(run.workflowState, "RUN_FAILED");
    assert.match(run.steps[1].steps[0].errors[0].error, /detected a non-workflow destination/);
    assert.equal(run.steps[1].steps[0].errors[0].body, "not a workflow");
  },
  async "steps that are too long to be delivered"() {
    assert.equal(await resultOf("long", { steps: 6, kilobytes: 300 }), 6 * (300 * 1024 + 1));
  },
  async "a trigger without the SDK, and an unknown SDK"() {
    for (const more of [{}, { "Upstash-Workflow-Unknown-Sdk": "true" }]) {
      const response = await fetch(`${process.env.QSTASH_URL}/v2/trigger/${url("steps")}`, {
        method: "POST", body: "rest", headers: {
          Authorization: `Bearer ${process.env.QSTASH_TOKEN}`, "Upstash-Forward-X-User": "me", ...more,
        },
      });
      const { workflowRunId, workflowCreatedAt } = await response.json();
      const run = await ended(workflowRunId);
      assert.equal(run.workflowState, "RUN_SUCCESS", JSON.stringify(run));
      assert.equal(run.workflowRunCreatedAt, workflowCreatedAt);
      assert.deepEqual(JSON.parse(run.workflowRunResponse).slice(0, 2), [{ one: "rest 1" }, "me"]);
    }
  },
  async "a message to a workflow, which triggers itself"() {
    const plain = `${url("steps")}?plain`;
    const qstash = new QStash({ baseUrl: process.env.QSTASH_URL, token: process.env.QSTASH_TOKEN });
    await qstash.publishJSON({ url: plain, body: "published", headers: { "x-user": "me" } });
    const run = await until(async () => {
      const { runs } = await client.logs({ filter: { workflowUrl: plain } });
      return runs[0]?.workflowState === "RUN_SUCCESS" && runs[0];
    }, "a run of its own");
    assert.deepEqual(JSON.parse(run.workflowRunResponse).slice(0, 2), [{ one: "published 1" }, "me"]);
  },
  async "cancel by URL, by prefix and all"() {
    for (const name of ["steps", "sleeps", "waits"]) {
      await client.trigger({ url: `${url(name)}`, delay: 3600 });
    }
    assert.deepEqual(await client.cancel({ filter: { workflowUrl: url("steps") } }), { cancelled: 1 });
    const prefix = { workflowUrlStartingWith: url("s") };
    assert.deepEqual(await client.cancel({ filter: prefix }), { cancelled: 1 });
    assert.deepEqual(await client.cancel({ all: true }), { cancelled: 1 });
  },
};

const wanted = process.argv[2] ?? "";
const serial = ["cancel by URL, by prefix and all"];
const names = Object.keys(checks).filter((name) => name.includes(wanted));
const failed = [];
const check = async (name) => {
  try {
    await checks[name]();
  } catch (error) {
    failed.push(name);
    console.log(`FAILED ${name}: ${error.stack}`);
  }
};
await Promise.all(names.filter((name) => !serial.includes(name)).map(check));
for (const name of names.filter((name) => serial.includes(name))) await check(name);
app.stop();
if (failed.length) process.exit(1);
console.log(`the workflow SDK runs: ${names.length} checks`);
