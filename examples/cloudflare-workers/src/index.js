// A Cloudflare Worker that accepts only requests that QStash has signed.
//
// Run: npm install && npm run dev -- --port 3000
import { Receiver } from "@upstash/qstash";

export default {
  async fetch(request, env) {
    const receiver = new Receiver({
      currentSigningKey: env.QSTASH_CURRENT_SIGNING_KEY,
      nextSigningKey: env.QSTASH_NEXT_SIGNING_KEY,
    });
    // The URL that messages are published to, which may differ from a preview's.
    const url = `${env.APP_URL}/hook`;
    const body = await request.text();
    const signature = request.headers.get("upstash-signature") ?? "";
    try {
      await receiver.verify({ signature, body, url });
    } catch {
      return new Response("invalid signature", { status: 401 });
    }
    console.log("received", JSON.parse(body));
    return new Response("ok");
  },
};
