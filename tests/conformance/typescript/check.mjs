// Run by `qstash dev -- node check.mjs`: the SDK finds the server by itself, publishes, and its
// Receiver accepts what is delivered and refuses what was changed.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";

const port = new URL(process.env.QSTASH_URL).port;
for (const name of Object.keys(process.env)) {
  if (name.startsWith("QSTASH_")) delete process.env[name];
}
process.env.QSTASH_DEV = "true";
process.env.QSTASH_DEV_PORT = port;
const { Client, Receiver } = await import("@upstash/qstash");

const received = [];
let markDelivered;
const delivered = new Promise((resolve) => (markDelivered = resolve));
const endpoint = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
  response.end("ok");
  markDelivered();
});
endpoint.listen(0, "127.0.0.1");
await once(endpoint, "listening");
const url = `http://127.0.0.1:${endpoint.address().port}/hook`;

const client = new Client();
const published = await client.publishJSON({ url, body: { hello: "wörld" }, label: "ts" });
assert.match(published.messageId, /^msg_/);
await delivered;

const [{ headers, body }] = received;
const receiver = new Receiver();
const signature = headers["upstash-signature"];
assert.equal(headers["upstash-message-id"], published.messageId);
assert.equal(body, '{"hello":"wörld"}');
assert.equal(await receiver.verify({ signature, body, url }), true);
await assert.rejects(receiver.verify({ signature, body: `${body} `, url }));

const names = ["a", "b"].map((name) => ({ name, url }));
await client.urlGroups.addEndpoints({ name: "team", endpoints: names });
assert.equal((await client.publish({ urlGroup: "team", body: "x" })).length, 2);
await client.queue({ queueName: "q" }).upsert({ parallelism: 2 });
assert.equal((await client.queue({ queueName: "q" }).get()).parallelism, 2);
const { scheduleId } = await client.schedules.create({ destination: url, cron: "0 0 1 1 *" });
assert.equal((await client.schedules.get(scheduleId)).isPaused, false);
await client.schedules.delete(scheduleId);
const later = await client.publish({ url, delay: 3600, label: "later" });
assert.equal((await client.messages.get(later.messageId)).label, "later");
await client.messages.cancel(later.messageId);
const { logs } = await client.logs({ filter: { messageId: published.messageId } });
assert.ok(logs.some((entry) => entry.state === "CREATED"));

endpoint.close();
console.log("the TypeScript SDK publishes, receives and verifies");
