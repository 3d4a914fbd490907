/** HTTP responses, and functions that send them. */
import type { ServerResponse } from 'node:http';

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The response body: an object is sent as JSON, a string unchanged. */
  readonly body?: object | string;
}

/** @param indent the indentation of the JSON */
export function sendResponse(response: ServerResponse, answer: HttpResponse, indent = ''): void {
  const bytes = encode(answer, indent);
  response.writeHead(answer.status, headersOf(answer, bytes)).end(bytes);
}

/** Sends the first half of a response, then closes the connection. */
export function sendHalf(response: ServerResponse, answer: HttpResponse): void {
  const bytes = encode(answer, '') ?? Buffer.alloc(2);
  response.writeHead(answer.status, headersOf(answer, bytes));
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
}

function encode({ body }: HttpResponse, indent: string): Buffer | undefined {
  if (body === undefined) return undefined;
  return Buffer.from(
    typeof body === 'string' ? body : `${JSON.stringify(body, undefined, indent)}\n`,
  );
}

function headersOf(
  { body, headers = {} }: HttpResponse,
  bytes: Buffer | undefined,
): Record<string, string> {
  const all = new Map<string, string>();
  if (bytes !== undefined) {
    all.set('content-type', typeof body === 'string' ? 'text/plain' : 'application/json');
    all.set('content-length', String(bytes.length));
  }
  for (const [name, value] of Object.entries(headers)) all.set(name.toLowerCase(), value);
  return Object.fromEntries(all);
}
