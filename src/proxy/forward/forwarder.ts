/**
 * A local HTTP/1.1 server that forwards each request to one target inside the tunnel, like
 * soraproxy for the Unified Endpoint. Method, path, query, header fields, status and bodies are not
 * changed; header-fields.ts lists the exceptions.
 */
import type { DialTarget } from '../dialer.js';
import { type BrowserPolicy, CLOSED_TO_PAGES } from '../http/browser-check.js';
import type { HeaderField } from '../http/header-fields.js';
import { HttpListener, type HttpListenerOptions } from '../http/listener.js';
import { originTarget } from '../http/request-target.js';
import type { ListenAddress } from '../listen-address.js';
import type { PassedSockets } from '../open-passed-sockets.js';

export interface ForwarderOptions extends Omit<
  HttpListenerOptions,
  'listen' | 'flag' | 'risk' | 'browsers' | 'route' | 'connectTarget' | 'answer' | 'accept'
> {
  readonly listen: ListenAddress | PassedSockets;
  /** The IP address and port inside the tunnel. */
  readonly target: DialTarget;
  /**
   * Fields to add to each request. They replace the client's fields of the same name. A `Host`
   * field replaces the default, which is the target's address.
   */
  readonly headers: readonly HeaderField[];
  /**
   * Which browser requests to allow; by default, those for an address that the user typed, and
   * those from a page of the same origin.
   */
  readonly browsers?: BrowserPolicy;
  /** The flag that sets the port, for error messages. */
  readonly flag?: string;
  /** See PortOptions. */
  readonly hostFlag?: string | undefined;
}

/** An open forwarder and its target. */
export interface NamedForwarder {
  readonly url: string;
  /** The target inside the tunnel, as HOST:PORT. */
  readonly target: string;
}

/**
 * Starts the forwarder and resolves when the port is open.
 *
 * @throws UserError of kind `failed` or `permission` if the port cannot be opened
 */
export async function startForwarder({
  target,
  browsers = CLOSED_TO_PAGES,
  ...options
}: ForwarderOptions): Promise<HttpListener> {
  const message = 'CONNECT is not supported, because the target of the forwarder is fixed';
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

/** Returns the host names that the user has configured for the listener and the target. */
function ownNames({ listen, headers }: Pick<ForwarderOptions, 'listen' | 'headers'>): string[] {
  const hosts = headers.filter(([name]) => name.toLowerCase() === 'host');
  const listening = 'host' in listen ? [listen.host] : [];
  return [...listening, ...hosts.map(([, value]) => value.replace(/:\d*$/, ''))].map((name) =>
    name.toLowerCase(),
  );
}
