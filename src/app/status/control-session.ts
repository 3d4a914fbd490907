/**
 * A connection to the control socket: each request and each response is one line of JSON.
 *
 *     {"request":"status"}  →  {"status":{…}}, or {"error":"…"}
 *
 * forward-requests.ts describes the other requests.
 * After some requests, the connection carries something else (src/proxy/shared/requests.ts).
 */
import { messageOf } from '../../lib/errors/error-message.js';
import { parseJson } from '../../lib/text/parse-json.js';
import type { Conversation, LocalStream } from '../../ports/local-sockets.js';
import {
  type ClosedTunnel,
  isClosedTunnel,
  isStatusReport,
  type StatusReport,
} from './status-report.js';

/** The terminator of each request and response. */
export const LINE_END = '\n';

/** The request for a StatusReport. */
export const STATUS_REQUEST = `${JSON.stringify({ request: 'status' })}${LINE_END}`;

/** Maximum length of a request in characters. */
const LONGEST_REQUEST = 4_096;

/** The maximum number of requests that may arrive together, because a response is much longer. */
const MAX_TOGETHER = 16;

/**
 * Returns the response to a request, which may have any members. A rejection becomes
 * `{"error":"…"}`.
 */
export type RequestHandler = (request: object) => Promise<object>;

/** The requests by name. */
export type ControlRequests = Readonly<Record<string, RequestHandler>>;

/** The requests by name that take over the connection, including the response. */
export type StreamRequests = Readonly<
  Record<string, (request: object, stream: LocalStream) => void>
>;

export class ControlSession implements Conversation {
  readonly #requests: ControlRequests;
  readonly #streams: StreamRequests;
  #rest = '';
  #isOver = false;
  #takeOver: ((stream: LocalStream) => void) | undefined;

  constructor(requests: ControlRequests, streams: StreamRequests = {}) {
    this.#requests = requests;
    this.#streams = streams;
  }

  get takeOver(): ((stream: LocalStream) => void) | undefined {
    return this.#takeOver;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  async handle(text: string): Promise<string> {
    const lines = (this.#rest + text).split(LINE_END);
    this.#rest = lines.pop() ?? '';
    let answer = '';
    for (const line of lines.slice(0, MAX_TOGETHER)) {
      if (this.#beginStream(line)) return answer;
      answer += lineOf(await this.#answer(line));
    }
    if (lines.length > MAX_TOGETHER) {
      return answer + this.#end(`at most ${MAX_TOGETHER} requests may be sent at once`);
    }
    if (this.#rest.length > LONGEST_REQUEST) {
      return answer + this.#end(`a request must not exceed ${LONGEST_REQUEST} characters`);
    }
    return answer;
  }

  #end(error: string): string {
    this.#isOver = true;
    this.#rest = '';
    return lineOf({ error });
  }

  close(): void {
    this.#rest = '';
  }

  /** Bytes after such a request are dropped, because its client waits for the response. */
  #beginStream(line: string): boolean {
    const request = parseJson(line);
    const begin = entryOf(this.#streams, request);
    if (begin === undefined) return false;
    this.#rest = '';
    this.#takeOver = (stream) => begin(request as object, stream);
    return true;
  }

  async #answer(line: string): Promise<object> {
    const request = parseJson(line);
    const handle = entryOf(this.#requests, request);
    if (handle === undefined) return { error: 'unknown request' };
    try {
      return await handle(request as object);
    } catch (error) {
      return { error: messageOf(error) };
    }
  }
}

/** The response to STATUS_REQUEST if the tunnel of one of several SIMs is not open. */
export function closedAnswer(error: unknown, closed: ClosedTunnel): object {
  return { error: messageOf(error), closed };
}

/** Returns the tunnel if the response is a closedAnswer(). */
export function readClosedAnswer(
  line: string,
): { readonly why: string; readonly closed: ClosedTunnel } | undefined {
  const answer = parseJson(line);
  const closed = memberOf(answer, 'closed');
  const why = memberOf(answer, 'error');
  return isClosedTunnel(closed) && typeof why === 'string' ? { why, closed } : undefined;
}

/** @throws Error with the reason if the response to STATUS_REQUEST is not a report */
export function readStatusAnswer(line: string): StatusReport {
  const answer = parseJson(line);
  const status = memberOf(answer, 'status');
  if (isStatusReport(status)) return status;
  const error = memberOf(answer, 'error');
  throw new Error(
    typeof error === 'string' ? error : 'the process is running another version of arctun',
  );
}

function entryOf<Entry>(
  table: Readonly<Record<string, Entry>>,
  request: unknown,
): Entry | undefined {
  const name = memberOf(request, 'request');
  return typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}${LINE_END}`;
}
