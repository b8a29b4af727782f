// An Express endpoint that accepts only requests that QStash has signed.
//
// Run: npm install && PORT=3000 npm start
import { Receiver } from "@upstash/qstash";
import express from "express";

// The URL that messages are published to. Behind a proxy, the request often has another one.
const url = `${process.env.APP_URL}/hook`;

const app = express();
const receiver = new Receiver({
  currentSigningKey: process.env.QSTASH_CURRENT_SIGNING_KEY,
  nextSigningKey: process.env.QSTASH_NEXT_SIGNING_KEY,
});

// The signature covers the raw body: an app-wide express.json() must come after this route.
app.post("/hook", express.text({ type: () => true }), async (request, response) => {
  const body = request.body ?? "";
  const signature = request.get("Upstash-Signature") ?? "";
  try {
    await receiver.verify({ signature, body, url });
  } catch {
    return response.status(401).send("invalid signature");
  }
  console.log("received", JSON.parse(body));
  response.send("ok");
});

app.listen(Number(process.env.PORT), "127.0.0.1");
