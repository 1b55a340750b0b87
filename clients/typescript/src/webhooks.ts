/** Webhooks, checked by Standard Webhooks: that a delivery is from Xuefen, whole and recent. */

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Published } from "./index.js";

const TOLERANCE_SECONDS = 300;

/** A delivery that is not to be believed; answer it with 400 and do nothing. */
export class UntrustedError extends Error {}

/**
 * The event of a delivery. Throws UntrustedError.
 *
 * `body` is the text as it came, before anything parsed it. While a secret is changed give both. Deliver each id's
 * effects once: `webhook-id` stays the same however often a delivery is tried.
 */
export function verify(
  secrets: string | string[],
  headers: Record<string, string | undefined>,
  body: string | Uint8Array,
  now: number = Date.now() / 1000,
): Published {
  const told = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const [id, at, given] = ["id", "timestamp", "signature"].map((name) => {
    const value = told.get(`webhook-${name}`);
    if (value === undefined) throw new UntrustedError(`the header webhook-${name} is missing`);
    return value;
  }) as [string, string, string];
  if (!/^[0-9]+$/.test(at) || Math.abs(now - Number(at)) > TOLERANCE_SECONDS) {
    throw new UntrustedError("the timestamp is too far from now");
  }
  const content = Buffer.from(body);
  const signed = Buffer.concat([Buffer.from(`${id}.${at}.`), content]);
  const offered = given.split(" ").filter((each) => each.startsWith("v1,")).map((each) => Buffer.from(each.slice(3), "base64"));
  const fits = [secrets].flat().some((secret) => {
    const expected = createHmac("sha256", Buffer.from(secret.replace(/^whsec_/, ""), "base64")).update(signed).digest();
    return offered.some((each) => each.length === expected.length && timingSafeEqual(each, expected));
  });
  if (!fits) throw new UntrustedError("no signature fits");
  return JSON.parse(content.toString("utf8")) as Published;
}
