/**
 * Reports the completions of a JSON file, takes one back, and prints what the ledger has published.
 *
 *     XUEFEN_LEDGER=http://127.0.0.1:8002 XUEFEN_TOKEN=... node dist/example.js completions.json [RECORD-TO-TAKE-BACK]
 */

import { readFile } from "node:fs/promises";
import { Xuefen, type Completion } from "./index.js";

const [file, takenBack] = process.argv.slice(2);
const { XUEFEN_LEDGER: address, XUEFEN_TOKEN: token } = process.env;
if (file === undefined || address === undefined || token === undefined) {
  throw new Error("a file, XUEFEN_LEDGER and XUEFEN_TOKEN are needed");
}
const xuefen = new Xuefen(address, token, { language: "en" });
for await (const report of xuefen.report(JSON.parse(await readFile(file, "utf8")) as Completion[])) {
  for (const outcome of report.results) {
    console.log(`${outcome.id}: ${outcome.outcome} ${outcome.reason ?? outcome.problem?.title ?? ""}`.trimEnd());
  }
}
if (takenBack !== undefined) {
  const withdrawn = await xuefen.withdraw(takenBack, "reported_in_error", { key: `withdraw-${takenBack}` });
  console.log(`${withdrawn.id}: taken back, now ${(await xuefen.completion(takenBack)).state}`);
}
for await (const { events } of xuefen.feed()) {
  for (const event of events) console.log(`${event.log}/${event.position}: ${event.type}`);
}
