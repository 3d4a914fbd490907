/**
 * An HTTP/1.1 server on this machine that passes each request to one target inside the tunnel:
 * soraproxy's forwarder to the Unified Endpoint. Method, path, query, header fields, status and
 * bodies go through as they are; header-fields.ts names the exceptions.
 */
import type { Dialer, DialTarget } from '../dialer.js';
import { type BrowserPolicy, CLOSED_TO_PAGES } from '../http/browser-check.js';
import type { HeaderField } from '../http/header-fields.js';
import { HttpListener } from '../http/listener.js';
import { originTarget } from '../http/request-target.js';
import type { ListenAddress } from '../listen-address.js';
import type { ProxyLog } from '../proxy-log.js';

export interface ForwarderOptions {
  readonly listen: ListenAddress;
  /** IP address and port inside the tunnel. */
  readonly target: DialTarget;
  /**
   * Added to each request, in place of the client's fields of the same name. A `Host` here takes the
   * place of the target's address, which is sent otherwise.
   */
  readonly headers: readonly HeaderField[];
  /** What browsers may send. Default: what their user types, and pages of the target's own. */
  readonly browsers?: BrowserPolicy;
  readonly dialer: Dialer;
  readonly log: ProxyLog;
  /** How messages name what chooses the port. */
  readonly flag?: string;
  /** As HttpListenerOptions. */
  readonly responseTimeout?: number;
  readonly idleTimeout?: number;
  readonly keepAliveTimeout?: number;
  readonly maxConnections?: number;
}

/**
 * Resolves when the port is open.
 *
 * @throws UserError of kind `failed` or `permission` when the port cannot be had
 */
export async function startForwarder({
  target,
  browsers = CLOSED_TO_PAGES,
  ...options
}: ForwarderOptions): Promise<HttpListener> {
  const message = 'the forwarder has one target; CONNECT is for proxies';
  const listener = new HttpListener({
    flag: '--forward-listen',
    risk: 'send messages that are billed to this SIM',
    ...options,
    browsers: { ...browsers, hosts: [...browsers.hosts, ...ownNames(options)] },
    route: ({ url = '', method = '' }) => ({ target, path: originTarget(url, method) }),
    connectTarget: () => ({ reason: 'method-not-allowed', message }),
  });
  await listener.listen();
  return listener;
}

/** The names that the user has given to the listener and to the target. */
function ownNames({ listen, headers }: Pick<ForwarderOptions, 'listen' | 'headers'>): string[] {
  const hosts = headers.filter(([name]) => name.toLowerCase() === 'host');
  return [listen.host, ...hosts.map(([, value]) => value.replace(/:\d*$/, ''))].map((name) =>
    name.toLowerCase(),
  );
}
