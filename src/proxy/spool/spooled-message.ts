/** The content of a message's file: a line of JSON, and the HTTP request as it is sent. */
import { createHash } from 'node:crypto';

import type { DialTarget } from '../dialer.js';
import { type HttpMessage, requestFields } from '../http-exchange.js';
import { fieldLines } from '../http/raw-head.js';

export interface SpooledMessage {
  readonly target: DialTarget;
  /** The request head and body. The target may keep the connection open after its response. */
  readonly request: Uint8Array;
}

/** The first line's maximum length. */
const MAX_LINE = 1024;

const LINE_END = 0x0a;

export function formatMessage({ target: { host, port }, request }: SpooledMessage): Uint8Array {
  const line = `${JSON.stringify({ version: 1, host, port })}\n`;
  return Buffer.concat([Buffer.from(line), request]);
}

/**
 * Identifies a target in the name of a file. Two targets with the same hash only wait for each
 * other.
 */
export function targetHash({ host, port }: DialTarget): string {
  const text = `${host.toLowerCase()} ${port}`;
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** @returns undefined if the content is damaged, or written by a later version */
export function parseMessage(content: Uint8Array): SpooledMessage | undefined {
  const end = content.indexOf(LINE_END);
  if (end < 0 || end > MAX_LINE) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(content.subarray(0, end)).toString());
  } catch {
    return undefined;
  }
  const { version, host, port } = (value ?? {}) as Partial<Record<string, unknown>>;
  if (version !== 1 || typeof host !== 'string' || typeof port !== 'number') return undefined;
  return { target: { host, port }, request: content.subarray(end + 1) };
}

/** Formats a request of `send` as it is sent. */
export function requestBytes(message: HttpMessage, target: DialTarget): Uint8Array {
  const fields = fieldLines(requestFields(message, target));
  const head = `${message.method} ${message.path} HTTP/1.1\r\n${fields}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), message.body]);
}

/** Splits a request into its head, without the empty line, and its body. */
export function splitRequest(request: Uint8Array): { head: string; body: Uint8Array } {
  const bytes = Buffer.from(request);
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return { head: bytes.toString('latin1'), body: new Uint8Array() };
  return { head: bytes.toString('latin1', 0, end), body: bytes.subarray(end + 4) };
}
