import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { BATCH_MAX, ProblemError, UnreachableError, UntrustedError, verify, Xuefen, type Completion } from "./index.js";

type Answer = (request: Request) => Promise<Response> | Response;

function answering(...answers: Answer[]): { xuefen: Xuefen; asked: Request[] } {
  return answeringTo("token", ...answers);
}

function answeringTo(credentials: ConstructorParameters<typeof Xuefen>[1], ...answers: Answer[]) {
  const asked: Request[] = [];
  const fetch = async (request: Request) => {
    asked.push(request.clone());
    return answers[asked.length - 1]!(request);
  };
  const retries = { attempts: 4, pauseSeconds: 0 };
  return { xuefen: new Xuefen("http://ledger.test/", credentials, { retries, fetch, language: "en" }), asked };
}

const record = (number: number): Completion => ({
  id: `r-${number}`, person: { id_type: "resident_id", id_number: "0", name: "某人" }, year: 2025, category: "professional",
  credits: "3.00", mode: "online", course: "C-1", completed_at: "2025-05-20T10:00:00+08:00",
});

const outcomes = (of: (id: string) => string): Answer => async (request) => {
  const { records } = (await request.json()) as { records: Completion[] };
  return Response.json({ results: records.map(({ id }) => ({ id, outcome: of(id) })), summary: {} });
};
const refused = (status: number): Answer => () =>
  Response.json({ type: "urn:xuefen:problem:busy", title: "Busy", status, detail: "Later." }, { status });
const lost: Answer = () => { throw new TypeError("fetch failed"); };

async function all<T>(given: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of given) found.push(each);
  return found;
}

test("the same records are sent until there is an answer", async () => {
  const { xuefen, asked } = answering(lost, refused(503), refused(429), outcomes(() => "registered"));
  const [report] = await all(xuefen.report([record(1)]));
  assert.equal(report!.results[0]!.outcome, "registered");
  const bodies = await Promise.all(asked.map((request) => request.text()));
  assert.equal(new Set(bodies).size, 1);
  assert.equal(asked.length, 4);
});

test("retries end", async () => {
  await assert.rejects(all(answering(lost, lost, lost, lost).xuefen.report([record(1)])), UnreachableError);
  const busy = answering(...Array<Answer>(4).fill(refused(503)));
  await assert.rejects(all(busy.xuefen.report([record(1)])), (error) => error instanceof ProblemError && error.code === "busy");
});

test("what was refused is not sent again", async () => {
  const { xuefen, asked } = answering(refused(422));
  await assert.rejects(all(xuefen.report([record(1)])), ProblemError);
  assert.equal(asked.length, 1);
});

test("only what is unknown is posted again", async () => {
  const { xuefen, asked } = answering(
    outcomes((id) => (id === "r-2" ? "unknown" : "registered")), outcomes(() => "duplicate"),
  );
  const [report] = await all(xuefen.report([record(1), record(2), record(3)]));
  assert.deepEqual(report!.results.map(({ outcome }) => outcome), ["registered", "duplicate", "registered"]);
  const { records } = (await asked[1]!.json()) as { records: Completion[] };
  assert.deepEqual(records.map(({ id }) => id), ["r-2"]);
});

test("a request holds a thousand records", async () => {
  const { xuefen } = answering(outcomes(() => "registered"), outcomes(() => "registered"));
  const reports = await all(xuefen.report(Array.from({ length: BATCH_MAX + 1 }, (_, number) => record(number))));
  assert.deepEqual(reports.map(({ records }) => records.length), [BATCH_MAX, 1]);
});

test("a token is fetched once, and once more when it was refused", async () => {
  const token = (text: string): Answer => () => Response.json({ access_token: text, expires_in: 3600 });
  const given = { tokenUrl: "http://registry.test/oauth/token", clientId: "c", clientSecret: "s" };
  const { xuefen, asked } = answeringTo(given, token("t-1"), refused(401), token("t-2"), outcomes(() => "registered"));
  await all(xuefen.report([record(1)]));
  assert.deepEqual(asked.map((request) => request.headers.get("Authorization")), [
    `Basic ${Buffer.from("c:s").toString("base64")}`, "Bearer t-1", `Basic ${Buffer.from("c:s").toString("base64")}`, "Bearer t-2",
  ]);
});

test("the feed gives each batch with its cursor and goes on from it", async () => {
  const page = (events: unknown[], after: string): Answer => () => Response.json(events, { headers: { "Xuefen-Next-After": after } });
  const { xuefen, asked } = answering(page([{ id: "210000/1" }], "210000.1"), page([], "210000.1"));
  const batches = await all(xuefen.feed());
  assert.deepEqual(batches.map(({ after }) => after), ["210000.1"]);
  assert.equal(new URL(asked[1]!.url).searchParams.get("after"), "210000.1");
});

test("a year's table comes under one header", async () => {
  const part = (row: string, after?: string): Answer => () =>
    new Response(`\ufeffid,state\r\n${row}\r\n`, after === undefined ? {} : { headers: { "Xuefen-Next-After": after } });
  const { xuefen, asked } = answering(part("a,held", "210000~a"), part("b,registered"));
  assert.equal((await all(xuefen.yearTable(2025))).join("").replace("\ufeff", ""), "id,state\r\na,held\r\nb,registered\r\n");
  assert.equal(new URL(asked[1]!.url).searchParams.get("after"), "210000~a");
});

test("headers of the program's own go with each request", async () => {
  const asked: Request[] = [];
  const fetch = (request: Request) => (asked.push(request), Promise.resolve(Response.json({ items: [], next: null })));
  await all(new Xuefen("http://ledger.test", "token", { fetch, headers: { "Xuefen-Sandbox-Now": "then" } }).completions());
  assert.equal(asked[0]!.headers.get("Xuefen-Sandbox-Now"), "then");
});

test("a delivery is believed when it is signed, whole and recent", () => {
  const [secret, now, body] = ["whsec_" + Buffer.from("a secret of an endpoint").toString("base64"), 1_775_000_000, '{"log":"210000"}'];
  const signature = createHmac("sha256", "a secret of an endpoint").update(`evt-1.${now}.${body}`).digest("base64");
  const headers = { "webhook-id": "evt-1", "webhook-timestamp": String(now), "Webhook-Signature": `v1,b3RoZXI= v1,${signature}` };
  assert.equal(verify([secret, "whsec_b3RoZXI="], headers, body, now + 300).log, "210000");
  for (const change of [
    () => verify("whsec_b3RoZXI=", headers, body, now),
    () => verify(secret, headers, body + " ", now),
    () => verify(secret, headers, body, now + 301),
    () => verify(secret, { ...headers, "webhook-id": undefined }, body, now),
  ]) {
    assert.throws(change, UntrustedError);
  }
});
