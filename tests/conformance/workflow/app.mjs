// An application whose workflows use every kind of step of the SDK.
import { createServer } from "node:http";
import { once } from "node:events";
import { WorkflowNonRetryableError } from "@upstash/workflow";
import { createWorkflow, serveMany } from "@upstash/workflow/nextjs";

// How often each step's function ran, and what failure functions received.
export const ran = {};
export const failures = {};
// What the third party received.
export const calls = [];
// The deliveries to workflows, as their headers and bodies.
export const deliveries = [];

const count = (key) => (ran[key] = (ran[key] ?? 0) + 1);

const steps = createWorkflow(async (context) => {
  const one = await context.run("one", () => (count(context.workflowRunId), `${context.requestPayload} 1`));
  const two = await context.run("two", () => ({ one }));
  return await context.run("three", () => [two, context.headers.get("x-user"), context.label]);
});

const sleeps = createWorkflow(async (context) => {
  await context.sleep("a second", 1);
  await context.sleepUntil("another", Date.now() / 1000 + 1);
  return await context.run("after", () => "awake");
});

const calling = createWorkflow(async (context) => {
  const { url } = context.requestPayload ?? {};
  const post = await context.call("post", {
    url: `${origin}/third-party`,
    method: "POST",
    body: { hello: "wörld" },
    headers: { "x-call": "yes" },
  });
  const failing = await context.call("failing", { url: `${origin}/third-party?status=400` });
  const retried = await context.call("retried", {
    url: `${origin}/third-party?status=503`, retries: 1, retryDelay: "100",
  });
  return [post.status, post.body, failing.status, failing.body, retried.status, url];
});

const waits = createWorkflow(async (context) => {
  const { event } = context.requestPayload;
  const missed = await context.waitForEvent("missed", `${event}-missed`, { timeout: 1 });
  const early = await context.waitForEvent("early", `${event}-early`, { timeout: "1m" });
  const late = await context.waitForEvent("late", `${event}-late`, { timeout: "1m" });
  return [missed.timeout, early.eventData, late.eventData];
});

const notifies = createWorkflow(async (context) => {
  const { event, run } = context.requestPayload;
  const nobody = await context.notify("nobody", `${event}-nobody`, "lost");
  const kept = await context.notify("kept", `${event}-kept`, { kept: true }, context.workflowRunId);
  const own = await context.waitForEvent("own", `${event}-kept`, { timeout: "1m" });
  return [nobody.notifyResponse.length, kept.eventId, own.eventData, run];
});

const webhooks = createWorkflow(async (context) => {
  const unused = await context.createWebhook("unused");
  const timeout = await context.waitForWebhook("timeout", unused, "1s");
  const webhook = await context.createWebhook("webhook");
  const called = await context.run("call it", async () => {
    const response = await fetch(webhook.webhookUrl, {
      method: "PUT", body: JSON.stringify({ hook: 1 }), headers: { "x-hook": "yes" },
    });
    return response.status;
  });
  const { request } = await context.waitForWebhook("webhook called", webhook, "1m");
  const body = await request.json();
  return [
    timeout.timeout, called, request.method, request.headers.get("x-hook"), body,
    request.url === webhook.webhookUrl,
  ];
});

const child = createWorkflow(async (context) => {
  if (context.requestPayload === "fail") throw new Error("the child fails");
  if (context.requestPayload === "cancel") await context.cancel();
  return await context.run("work", () => ({
    got: context.requestPayload, header: context.headers.get("x-child"), label: context.label,
  }));
});

const invokes = createWorkflow(async (context) => {
  const good = await context.invoke("good", {
    workflow: child, body: "work", headers: { "x-child": "yes" }, label: "of-child",
    workflowRunId: context.requestPayload.childId,
  });
  const [failed, canceled] = await Promise.all([
    context.invoke("failing", { workflow: child, body: "fail", retries: 0 }),
    context.invoke("canceled", { workflow: child, body: "cancel" }),
  ]);
  const started = await context.call("call", { workflow: child, body: "called" });
  return [good, failed, canceled, typeof started.body.workflowRunId];
});

const parallel = createWorkflow(async (context) => {
  const before = await context.run("before", () => 0);
  const results = await Promise.all([
    context.run("first", () => (count("parallel"), 1)),
    context.sleep("nap", 1),
    context.call("call", { url: `${origin}/third-party?of=parallel` }),
    context.run("second", () => (count("parallel"), 2)),
    context.waitForEvent("event", "parallel-never", { timeout: 1 }),
  ]);
  const after = await context.run("after", () => 3);
  return [before, results[0], results[2].status, results[3], results[4].timeout, after];
});

const fails = createWorkflow(
  async (context) => {
    const { mode } = context.requestPayload;
    const done = await context.run("done", () => (count(`done ${mode}`), "done"));
    await context.run("fails", () => {
      count(`fails ${mode}`);
      if (mode === "final") throw new WorkflowNonRetryableError("never again");
      if (!globalThis.repaired) throw new Error("broken");
    });
    return done;
  },
  {
    failureFunction: ({ context, failStatus, failResponse }) => {
      count("failureFunction");
      failures[context.workflowRunId] = {
        failStatus, failResponse, payload: context.requestPayload, user: context.headers.get("x-user"),
      };
      if (context.requestPayload.mode === globalThis.cannotReport) throw new Error("cannot report");
      return "handled";
    },
  }
);

const long = createWorkflow(async (context) => {
  const { steps: total, kilobytes = 0 } = context.requestPayload;
  const filler = "x".repeat(1024 * kilobytes);
  let length = 0;
  for (let number = 1; number <= total; number++) {
    const result = await context.run(`step ${number}`, () => (count(`long ${number}`), filler + number));
    length += result.length;
  }
  return length;
});

let origin;

// Starts the application and returns its origin and a function that stops it.
export async function start(port = 0) {
  const { POST } = serveMany(
    { steps, sleeps, calling, waits, notifies, webhooks, child, invokes, parallel, fails, long },
    {}
  );
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url, origin);
    if (url.pathname === "/third-party") {
      calls.push({ url: request.url, headers: request.headers, body: body.toString() });
      response.writeHead(Number(url.searchParams.get("status") ?? 200), { "content-type": "text/plain" });
      response.end(`third party: ${body}`);
      return;
    }
    if (url.pathname === "/plain") {
      response.end("not a workflow");
      return;
    }
    deliveries.push({ path: url.pathname, headers: request.headers, body: body.toString() });
    const answer = await POST(
      new Request(url, { method: request.method, headers: request.headers, body })
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, stop: () => server.close() };
}
