/** Answers requests for the proxy auto-configuration file at /proxy.pac. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { type BrowserPolicy, browserVerdict, REFUSAL_STATUS } from '../http/browser-check.js';
import { type PacContent, pacFile } from './pac-file.js';

export const PAC_PATH = '/proxy.pac';

export interface PacSource extends Pick<PacContent, 'names'> {
  /** Returns the tunnel's current allowed IPs, each as `address/length`. */
  readonly allowedIps: () => Promise<readonly string[]>;
  /** The host names that requests may contain. */
  readonly hosts: BrowserPolicy['hosts'];
}

const CONTENT_TYPE = 'application/x-ns-proxy-autoconfig';

/** Matches a Host header that a PAC file can contain: a name or an address, and an optional port. */
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d{1,5})?$/;

/**
 * Answers a request for the file. Browsers request it without the proxy's password, so the answer
 * does not require one.
 *
 * @param authority the listener's address, for clients that do not send a Host header
 * @returns false if the request is for something else
 */
export function answerPac(
  request: IncomingMessage,
  response: ServerResponse,
  source: PacSource,
  authority: string,
): boolean {
  const { method, url = '' } = request;
  const isPac = url === PAC_PATH || url.startsWith(`${PAC_PATH}?`);
  if (!isPac || (method !== 'GET' && method !== 'HEAD')) return false;
  request.resume();
  response.on('error', () => undefined);
  const policy = { hosts: source.hosts, origins: [], areReadsFree: true };
  const verdict = browserVerdict(request, policy);
  if (verdict.kind === 'refused') {
    send(response, REFUSAL_STATUS[verdict.reason], 'text/plain', `${verdict.message}\n`);
    return true;
  }
  const proxy = proxyOf(request.headers.host, authority);
  source.allowedIps().then(
    (allowedIps) =>
      send(response, 200, CONTENT_TYPE, pacFile({ proxy, names: source.names, allowedIps })),
    () => send(response, 503, 'text/plain', 'the tunnel is not open\n'),
  );
  return true;
}

/** Returns the address through which the client has reached the proxy. */
function proxyOf(host: string | undefined, authority: string): string {
  const [all, port] = HOST.exec(host ?? '') ?? [];
  if (all === undefined) return authority;
  return port === undefined ? `${all}:80` : all;
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    // The allowed IPs may change.
    'Cache-Control': 'no-cache',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}
