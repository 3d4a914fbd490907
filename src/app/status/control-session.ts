/**
 * A connection to the control socket: each request and each response is one line of JSON.
 *
 *     {"request":"status"}  →  {"status":{…}}, or {"error":"…"}
 *
 * forward-requests.ts describes the other requests.
 */
import { messageOf } from '../../lib/errors/error-message.js';
import { parseJson } from '../../lib/text/parse-json.js';
import type { Conversation } from '../../ports/local-sockets.js';
import { isStatusReport, type StatusReport } from './status-report.js';

/** The terminator of each request and response. */
export const LINE_END = '\n';

/** The request for a StatusReport. */
export const STATUS_REQUEST = `${JSON.stringify({ request: 'status' })}${LINE_END}`;

/** Maximum length of a request in characters. */
const LONGEST_REQUEST = 4_096;

/**
 * Returns the response to a request, which may have any members. A rejection becomes
 * `{"error":"…"}`.
 */
export type RequestHandler = (request: object) => Promise<object>;

export class ControlSession implements Conversation {
  readonly #handlers: ReadonlyMap<string, RequestHandler>;
  #rest = '';
  #isOver = false;

  /**
   * @param report returns the status, or rejects with the reason why no status is available
   * @param handlers the handlers of other requests, by name
   */
  constructor(
    report: () => Promise<StatusReport>,
    handlers: Readonly<Record<string, RequestHandler>> = {},
  ) {
    const status: RequestHandler = async () => ({ status: await report() });
    this.#handlers = new Map(Object.entries({ ...handlers, status }));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  async handle(text: string): Promise<string> {
    const lines = (this.#rest + text).split(LINE_END);
    this.#rest = lines.pop() ?? '';
    let answer = '';
    for (const line of lines) answer += lineOf(await this.#answer(line));
    if (this.#rest.length > LONGEST_REQUEST) {
      this.#isOver = true;
      this.#rest = '';
      answer += lineOf({ error: `a request must not exceed ${LONGEST_REQUEST} characters` });
    }
    return answer;
  }

  close(): void {
    this.#rest = '';
  }

  async #answer(line: string): Promise<object> {
    const request = parseJson(line);
    const handler = this.#handlers.get(String(memberOf(request, 'request')));
    if (handler === undefined) return { error: 'unknown request' };
    try {
      return await handler(request as object);
    } catch (error) {
      return { error: messageOf(error) };
    }
  }
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

function memberOf(value: unknown, name: string): unknown {
  return (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}${LINE_END}`;
}
