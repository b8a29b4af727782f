import { Client } from "@upstash/qstash";

const client = new Client({ token: process.env.QSTASH_TOKEN, baseUrl: process.env.QSTASH_URL });
console.log((await client.publishJSON({ url: process.argv[2], body: { name: "ada" } })).messageId);
