// An AWS Lambda function that accepts only requests that QStash has signed.
//
// Deploy: index.hook, behind a function URL or an HTTP API (payload format 2.0)
import { Receiver } from "@upstash/qstash";

// The URL that messages are published to: the function URL or your own domain.
const url = `${process.env.APP_URL}/hook`;

const receiver = new Receiver({
  currentSigningKey: process.env.QSTASH_CURRENT_SIGNING_KEY,
  nextSigningKey: process.env.QSTASH_NEXT_SIGNING_KEY,
});

export async function hook(event) {
  const encoding = event.isBase64Encoded ? "base64" : "utf8";
  const body = Buffer.from(event.body ?? "", encoding).toString();
  const signature = event.headers["upstash-signature"] ?? "";
  try {
    await receiver.verify({ signature, body, url });
  } catch {
    return { statusCode: 401, body: "invalid signature" };
  }
  console.log("received", JSON.parse(body));
  return { statusCode: 200, body: "ok" };
}
