/**
 * A local HTTP/1.1 server that forwards each request to one target inside the tunnel, like
 * soraproxy for the Unified Endpoint. Method, path, query, header fields, status and bodies are not
 * changed; header-fields.ts lists the exceptions.
 */
import { listOf, type TunnelChoice, unknownName } from '../authentication/tunnel-choice.js';
import type { DialTarget } from '../dialer.js';
import { type BrowserPolicy, CLOSED_TO_PAGES } from '../http/browser-check.js';
import type { ClientHead } from '../http/client/client-message.js';
import { fieldValues, type HeaderField } from '../http/header-fields.js';
import { HttpListener, type HttpListenerOptions } from '../http/listener.js';
import type { Destination } from '../http/exchange-context.js';
import type { ForwardFailure } from '../http/failure.js';
import { originTarget } from '../mixed/request-authority.js';
import { isLoopback, type ListenAddress } from '../listen-address.js';
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
  /** The tunnels that requests choose with SIM_HEADER; undefined if there is only one. */
  readonly choice?: TunnelChoice | undefined;
}

/** The field with the name of the SIM that sends the request, in lower case. */
export const SIM_HEADER = 'x-arctun-sim';

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
  choice,
  ...options
}: ForwarderOptions): Promise<HttpListener> {
  const { listen } = options;
  // It is not known who can reach the sockets of systemd.
  const isLocal = 'host' in listen && isLoopback(listen.host);
  const message = 'CONNECT is not supported, because the target of the forwarder is fixed';
  const listener = new HttpListener({
    flag: '--forward-listen',
    risk: 'send messages that are billed to this SIM',
    ...options,
    browsers: { ...browsers, hosts: [...browsers.hosts, ...ownNames(options)] },
    route: (request) => {
      const { url = '', method = '' } = request;
      const destination = { target, path: originTarget(url, method) };
      if (choice === undefined) return destination;
      return withChosen(destination, request, choice, isLocal);
    },
    connectTarget: () => ({ reason: 'method-not-allowed', message }),
  });
  await listener.listen();
  return listener;
}

/**
 * Adds the tunnel that a request has chosen to its destination.
 *
 * @param mayList whether the client may know the names of the SIMs
 */
function withChosen(
  destination: Destination,
  request: ClientHead,
  choice: TunnelChoice,
  mayList: boolean,
): Destination | ForwardFailure {
  const [name, ...others] = fieldValues(request, SIM_HEADER);
  if (name === undefined || others.length > 0) {
    const names = mayList ? listOf(choice) : '';
    const message = `the request must have one X-Arctun-Sim field with the name of a SIM${names}`;
    return { reason: 'sim-required', message };
  }
  const via = choice.find(name);
  if (via === undefined) return { reason: 'unknown-sim', message: unknownName(choice, mayList) };
  return { ...destination, via, without: SIM_HEADER };
}

/** Returns the host names that the user has configured for the listener and the target. */
function ownNames({ listen, headers }: Pick<ForwarderOptions, 'listen' | 'headers'>): string[] {
  const hosts = headers.filter(([name]) => name.toLowerCase() === 'host');
  const listening = 'host' in listen ? [listen.host] : [];
  return [...listening, ...hosts.map(([, value]) => value.replace(/:\d*$/, ''))].map((name) =>
    name.toLowerCase(),
  );
}
