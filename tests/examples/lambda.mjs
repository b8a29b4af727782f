// Serves a Lambda handler as a function URL does: node lambda.mjs FILE PORT
// Source: AWS docs, "Payload format version 2.0"
import { createServer } from "node:http";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [file, port] = process.argv.slice(2);
const { hook } = await import(pathToFileURL(resolve(file)));

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const event = {
    version: "2.0",
    rawPath: request.url,
    headers: request.headers,
    body: Buffer.concat(chunks).toString("base64"),
    isBase64Encoded: true,
  };
  const { statusCode, body } = await hook(event);
  response.writeHead(statusCode).end(body);
}).listen(Number(port), "127.0.0.1");
