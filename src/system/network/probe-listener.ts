/** Checks addresses for listeners, and connects through a listening proxy. */
import http from 'node:http';
import { createServer, type Socket } from 'node:net';

import { messageOf } from '../../lib/errors/error-message.js';
import { readLimited } from '../../lib/read-limited.js';
import { formatAuthority } from '../../lib/text/http-syntax.js';
import { parseJson } from '../../lib/text/parse-json.js';

/** The maximum size of an error response in bytes. */
const MAX_ANSWER = 64 * 1024;

/** Listens for a moment. Resolves with the system's error; undefined if the port is free. */
export function tryListen(host: string, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** The proxy's answer; `reason` is the machine-readable word in its response. */
export type ConnectAnswer =
  | { readonly isOpen: true }
  | { readonly isOpen: false; readonly reason: string | undefined; readonly why: string };

/**
 * Opens a connection through an HTTP proxy with CONNECT (RFC 9110 9.3.6), and closes it.
 *
 * @param proxy the proxy as ADDRESS:PORT
 * @param timeout milliseconds, for everything together
 */
export function connectThrough(
  proxy: string,
  target: { readonly host: string; readonly port: number },
  timeout: number,
): Promise<ConnectAnswer> {
  const path = formatAuthority(target);
  return new Promise((resolve) => {
    const fail = (why: string, reason?: string) => resolve({ isOpen: false, reason, why });
    const late = setTimeout(() => {
      fail(`the proxy did not answer within ${timeout / 1000} s`);
      request.destroy();
    }, timeout);
    const { hostname, port } = new URL(`http://${proxy}`);
    const request = http.request({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port || 80,
      method: 'CONNECT',
      path,
      agent: false,
    });
    request.once('error', (error) => {
      clearTimeout(late);
      fail(messageOf(error));
    });
    request.once('connect', (response, socket: Socket, head: Buffer) => {
      const end = () => {
        clearTimeout(late);
        socket.destroy();
      };
      socket.on('error', () => undefined);
      if (response.statusCode === 200) {
        resolve({ isOpen: true });
        end();
        return;
      }
      readError(socket, head)
        .then(({ reason, message }) => fail(message ?? `HTTP ${response.statusCode ?? 0}`, reason))
        .catch((error: unknown) => fail(messageOf(error)))
        .finally(end);
    });
    request.end();
  });
}

/** Reads the body that docs/reference/errors.md describes. */
async function readError(
  socket: Socket,
  head: Buffer,
): Promise<{ reason?: string | undefined; message?: string | undefined }> {
  const tooLong = () => new Error('the response of the proxy is too long');
  const rest = await readLimited<Buffer>(socket, MAX_ANSWER, tooLong);
  const body = Buffer.concat([head, ...rest]).toString('utf8');
  const { error } = (parseJson(body) ?? {}) as { error?: { reason?: unknown; message?: unknown } };
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return { reason: text(error?.reason), message: text(error?.message) };
}
