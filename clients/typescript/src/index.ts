/**
 * Client of Xuefen for training providers: report credits, learn what became of them.
 *
 *     const xuefen = new Xuefen("https://ledger.example", { tokenUrl, clientId, clientSecret });
 *     for await (const report of xuefen.report(completions)) { ... }
 */

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./models.js";

type Schemas = components["schemas"];
export type Completion = Schemas["Completion"];
export type Enrolment = Schemas["Enrolment"];
export type ExamPass = Schemas["ExamPass"];
export type Outcome = Schemas["Outcome"];
export type CompletionRecord = Schemas["CompletionRecord"];
export type State = CompletionRecord["state"] | "late" | "moved";
export type WithdrawnRecord = Schemas["WithdrawnRecord"];
export type TableAnswer = Schemas["TableAnswer"];
export type Reason = Schemas["Withdrawal"]["reason"];

/** The id and the secret of a client, and where tokens are given for them. */
export interface Credentials {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  scope?: string;
}

/** How often a request is sent at most, and the pause before the second time; each pause is twice the one before. */
export interface Retries {
  attempts: number;
  pauseSeconds: number;
  pauseSecondsMax: number;
}

export interface Options {
  retries?: Partial<Retries>;
  language?: "zh-CN" | "en";
  /** Headers that go with each request. */
  headers?: Record<string, string>;
  /** Adds headers to a request that is about to be sent, such as a signature. */
  sign?: (request: Request) => Promise<Request> | Request;
  fetch?: (request: Request) => Promise<Response>;
}

/** Records that were posted together, and the outcome of each, in the order of the records. */
export interface Report<T> {
  records: T[];
  results: Outcome[];
}

/** A published event: a CloudEvent. `type` is pinned; `data` has the fields of the event's own schema. */
export interface Published {
  id: string;
  type: string;
  time: string;
  log: string;
  position: number;
  data: Record<string, unknown>;
}

/** An answer that refuses: RFC 9457 problem details. `code` is stable, `title` and `detail` are for people. */
export class ProblemError extends Error {
  readonly code: string;
  readonly detail: string;
  readonly pointer: string | undefined;

  constructor(readonly status: number, readonly problem: Partial<Schemas["Problem"]>) {
    const code = problem.type?.split(":").at(-1) ?? "";
    super(`${status} ${code}: ${problem.title ?? ""}`);
    this.code = code;
    this.detail = problem.detail ?? "";
    this.pointer = problem.pointer ?? undefined;
  }
}

/** No answer, however often it was asked for. What was sent may have been stored: send it again with the same ids. */
export class UnreachableError extends Error {}

export const BATCH_MAX = 1000;
const TRIED_AGAIN = new Set([429, 502, 503, 504]);
const EARLY_SECONDS = 30;

export class Xuefen {
  private readonly http: Client<paths>;
  private readonly retries: Retries;
  private readonly send: (request: Request) => Promise<Response>;
  private token: { text: string; ends: number } | undefined;

  constructor(address: string, private readonly credentials: Credentials | string, private readonly options: Options = {}) {
    this.retries = { attempts: 6, pauseSeconds: 0.5, pauseSecondsMax: 30, ...options.retries };
    this.send = options.fetch ?? ((request) => fetch(request));
    this.http = createClient<paths>({
      baseUrl: address.replace(/\/+$/, ""),
      headers: { "Accept-Language": options.language ?? "zh-CN", ...options.headers },
      fetch: (request) => this.sendUntilAnswered(request),
    });
  }

  /** Post completions, 1,000 at a time; safe to repeat, since each record's own id says what it is. */
  report(completions: Iterable<Completion>): AsyncGenerator<Report<Completion>> {
    return this.inBatches(completions, (records) => this.http.POST("/v1/completions", { body: { records } }));
  }

  /** Post enrolments. */
  enrol(enrolments: Iterable<Enrolment>): AsyncGenerator<Report<Enrolment>> {
    return this.inBatches(enrolments, (records) => this.http.POST("/v1/enrolments", { body: { records } }));
  }

  /** Post passed exams. */
  passExams(passes: Iterable<ExamPass>): AsyncGenerator<Report<ExamPass>> {
    return this.inBatches(passes, (records) => this.http.POST("/v1/exam-passes", { body: { records } }));
  }

  /** What was posted, what it is today, and everything that became of it. */
  async completion(id: string, authority?: string): Promise<CompletionRecord> {
    const params = { path: { completion_id: id }, query: { authority: authority ?? null } };
    return answered(await this.http.GET("/v1/completions/{completion_id}", { params }));
  }

  /** Everything that was posted, each as it stands today. */
  async *completions(
    query: { state?: State; person?: string; year?: number; posted_since?: string; posted_until?: string } = {},
  ): AsyncGenerator<CompletionRecord> {
    let after: string | null = null;
    do {
      const params: { query: Record<string, unknown> } = { query: { ...query, after } };
      const page: Schemas["CompletionPage"] = answered(await this.http.GET("/v1/completions", { params: params as never }));
      yield* page.items;
      after = page.next;
    } while (after !== null);
  }

  /** Everything that was posted for a year as a CSV table, a row for each as it stands today, part by part. */
  async *yearTable(year: number): AsyncGenerator<string> {
    let after: string | null = null;
    do {
      const params: { path: { year: number }; query: { after?: string } } = { path: { year }, query: after ? { after } : {} };
      const told = await this.http.GET("/v1/completion-tables/{year}", { params: params as never, parseAs: "text" });
      const text: string = answered(told as Answer<string>);
      yield after ? text.slice(text.indexOf("\r\n") + 2) : text;
      after = told.response.headers.get("Xuefen-Next-After");
    } while (after !== null);
  }

  /** Take back a completion; the same key with the same reason is the same command, however often it is sent. */
  async withdraw(id: string, reason: Reason, options: { authority?: string; key?: string } = {}): Promise<WithdrawnRecord> {
    const key = options.key ?? crypto.randomUUID();
    const params = { path: { completion_id: id }, header: { "Idempotency-Key": key } };
    const body = { reason, ...(options.authority === undefined ? {} : { authority: options.authority }) };
    return answered(await this.http.POST("/v1/completions/{completion_id}/withdrawal", { params, body }));
  }

  /**
   * Batches of the organization's own events, each with the cursor to store in one transaction with its effects.
   * Ends when there is nothing more, unless it is told to follow.
   */
  async *feed(
    after: string | null = null,
    options: { limit?: number; wait?: number; follow?: boolean } = {},
  ): AsyncGenerator<{ events: Published[]; after: string | null }> {
    for (;;) {
      const query = { limit: options.limit ?? 100, wait: options.wait ?? 0, ...(after ? { after } : {}) };
      const told = await this.http.GET("/v1/feed", { params: { query } });
      const events = answered(told) as unknown as Published[];
      after = told.response.headers.get("Xuefen-Next-After") || after;
      if (events.length > 0) yield { events, after };
      else if (!options.follow) return;
    }
  }

  private async *inBatches<T extends Completion | Enrolment | ExamPass>(
    records: Iterable<T>,
    post: (records: T[]) => Promise<Answer<Schemas["BatchAnswer"]>>,
  ): AsyncGenerator<Report<T>> {
    for (const batch of batches(records)) {
      const results = new Map<number, Outcome>();
      let left = batch.map((_, number) => number);
      for (let attempt = 0; left.length > 0 && attempt < this.retries.attempts; attempt++) {
        if (attempt > 0) await this.pause(attempt);
        const answer = answered(await post(left.map((number) => batch[number]!)));
        left.forEach((number, place) => results.set(number, answer.results[place]!));
        left = left.filter((number) => results.get(number)!.outcome === "unknown");
      }
      yield { records: batch, results: batch.map((_, number) => results.get(number)!) };
    }
  }

  private async sendUntilAnswered(request: Request): Promise<Response> {
    let renewed = false;
    let told: Response | undefined;
    let fault: unknown;
    for (let attempt = 0; attempt < this.retries.attempts; attempt++) {
      if (attempt > 0) await this.pause(attempt, told);
      try {
        told = await this.send(await this.prepared(request));
      } catch (error) {
        if (error instanceof ProblemError) throw error;
        [told, fault] = [undefined, error];
        continue;
      }
      if (told.status === 401 && !renewed && typeof this.credentials !== "string") {
        [renewed, this.token] = [true, undefined];
        continue;
      }
      if (!TRIED_AGAIN.has(told.status)) return told;
    }
    if (told !== undefined) return told;
    throw new UnreachableError(`${request.method} ${request.url}: ${String(fault)}`);
  }

  private async prepared(request: Request): Promise<Request> {
    const copy = request.clone();
    copy.headers.set("Authorization", `Bearer ${await this.currentToken()}`);
    return this.options.sign === undefined ? copy : this.options.sign(copy);
  }

  private async currentToken(): Promise<string> {
    const given = this.credentials;
    if (typeof given === "string") return given;
    if (this.token !== undefined && Date.now() < this.token.ends) return this.token.text;
    const form = new URLSearchParams({ grant_type: "client_credentials", ...(given.scope ? { scope: given.scope } : {}) });
    const basic = Buffer.from(`${given.clientId}:${given.clientSecret}`).toString("base64");
    const headers = { Authorization: `Basic ${basic}` };
    const response = await this.send(new Request(given.tokenUrl, { method: "POST", body: form, headers }));
    if (!response.ok) throw new ProblemError(response.status, problemOf(await response.json().catch(() => ({}))));
    const answer = (await response.json()) as { access_token: string; expires_in: number };
    this.token = { text: answer.access_token, ends: Date.now() + (answer.expires_in - EARLY_SECONDS) * 1000 };
    return this.token.text;
  }

  private async pause(attempt: number, told?: Response): Promise<void> {
    const asked = Number(told?.headers.get("Retry-After") ?? 0);
    const drawn = Math.random() * this.retries.pauseSeconds * 2 ** (attempt - 1);
    const seconds = Math.min(Math.max(Number.isFinite(asked) ? asked : 0, drawn), this.retries.pauseSecondsMax);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

function answered<T>(answer: Answer<T>): NonNullable<T> {
  if (answer.data === undefined || answer.data === null) {
    throw new ProblemError(answer.response.status, problemOf(answer.error));
  }
  return answer.data;
}

function problemOf(body: unknown): Partial<Schemas["Problem"]> {
  if (typeof body !== "object" || body === null) return {};
  const told = body as Record<string, unknown>;
  return "type" in told ? told : { type: String(told["error"] ?? ""), title: String(told["error_description"] ?? "") };
}

function* batches<T>(records: Iterable<T>): Generator<T[]> {
  let batch: T[] = [];
  for (const record of records) {
    batch.push(record);
    if (batch.length === BATCH_MAX) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

export { UntrustedError, verify } from "./webhooks.js";
