/** One HTTP request and its response on an open connection, with times and the exact header lines. */
import { orAborted } from '../steps.js';

/**
 * @typedef {object} Response
 * @property {number} status
 * @property {string} statusLine
 * @property {readonly (readonly [name: string, value: string])[]} headers
 * @property {'length' | 'chunked' | 'none' | 'until the end'} framing how the body ends
 * @property {Buffer} body
 */

/**
 * @param {import('node:stream').Duplex} socket a flowing connection
 * @param {string} request
 * @param {AbortSignal} signal
 * @returns {Promise<Response & { firstByte: number, complete: number }>} times in ms after the request
 * @throws {Error} if the connection ends before the response is complete
 */
export async function exchange(socket, request, signal) {
  const started = performance.now();
  /** @type {Buffer[]} */
  const chunks = [];
  let firstByte = 0;
  /** @type {(() => void)[]} */
  const removals = [];
  const on = (event, listener) => {
    socket.on(event, listener);
    removals.push(() => socket.off(event, listener));
  };
  const response = new Promise((resolve, reject) => {
    const proceed = (isEnded) => {
      const parsed = parseResponse(Buffer.concat(chunks), isEnded);
      if (parsed !== undefined) resolve(parsed);
      else if (isEnded) reject(new Error('the connection ended before the response was complete'));
    };
    on('data', (chunk) => {
      if (chunks.length === 0) firstByte = performance.now() - started;
      chunks.push(chunk);
      proceed(false);
    });
    on('end', () => proceed(true));
    on('error', reject);
    on('close', () => proceed(true));
    socket.write(request);
  });
  try {
    return {
      ...(await orAborted(response, signal)),
      firstByte,
      complete: performance.now() - started,
    };
  } finally {
    for (const remove of removals) remove();
  }
}

/**
 * @param {Buffer} bytes
 * @param {boolean} isEnded whether no more bytes can follow
 * @returns {Response | undefined} undefined if the response is not complete
 */
export function parseResponse(bytes, isEnded) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? NaN);
  if (status < 200) return parseResponse(bytes.subarray(end + 4), isEnded);
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return /** @type {const} */ ([line.slice(0, colon), line.slice(colon + 1).trim()]);
  });
  const content = bodyOf(status, headers, bytes.subarray(end + 4), isEnded);
  return content && { status, statusLine, headers, ...content };
}

/**
 * Returns the values of a header, or an empty text.
 *
 * @param {Pick<Response, 'headers'>} response
 * @param {string} name
 * @returns {string}
 */
export function headerOf({ headers }, name) {
  const own = headers.filter(([each]) => each.toLowerCase() === name.toLowerCase());
  return own.map(([, value]) => value).join(', ');
}

/** @returns {Pick<Response, 'framing' | 'body'> | undefined} */
function bodyOf(status, headers, bytes, isEnded) {
  if (status === 204 || status === 304) return { framing: 'none', body: Buffer.alloc(0) };
  if (/chunked/i.test(headerOf({ headers }, 'transfer-encoding'))) {
    const body = joinChunks(bytes);
    return body && { framing: 'chunked', body };
  }
  const length = headerOf({ headers }, 'content-length');
  if (length === '') return isEnded ? { framing: 'until the end', body: bytes } : undefined;
  if (bytes.length < Number(length)) return undefined;
  return { framing: 'length', body: bytes.subarray(0, Number(length)) };
}

/** @returns {Buffer | undefined} undefined if the last chunk is missing */
function joinChunks(bytes) {
  const chunks = [];
  for (let at = 0; ;) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = parseInt(bytes.toString('latin1', at, end), 16);
    const next = end + 2 + size + 2;
    if (Number.isNaN(size) || bytes.length < next) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(end + 2, next - 2));
    at = next;
  }
}
