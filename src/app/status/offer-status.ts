/** Tells whoever asks how a running tunnel does: at its control socket, and on the pages of a port. */
import type { ListenerCounters } from '../../proxy/http/listener.js';
import type { BrowserPolicy } from '../../proxy/http/browser-check.js';
import type { ListenAddress } from '../../proxy/listen-address.js';
import { type PageListener, startPageListener } from '../../proxy/page-listener.js';
import type { Clock } from '../../ports/clock.js';
import type { LocalListeners } from '../../ports/local-sockets.js';
import type { Log } from '../../ports/log.js';
import { ControlSession } from './control-session.js';
import { type ControlSocket, openControlSocket } from './control-socket.js';
import { statusPages } from './status-pages.js';
import type { StatusReport, TunnelListeners } from './status-report.js';
import { type StatusSource, timelyStatus } from './timely-status.js';

export interface OfferStatusOptions {
  /** undefined while it is not open. */
  readonly tunnel: () => StatusSource | undefined;
  /** The interface's name, or that in arc.json. */
  readonly interfaceName: string;
  readonly simId: string;
  readonly version: string;
  readonly pid: number;
  /** Those that are open. */
  readonly listeners: () => Omit<TunnelListeners, 'status'>;
  /** Its name for `wg`; undefined where that does not see it. */
  readonly uapiName: string | undefined;
  /** Of these listeners, by what they are called. */
  readonly counters: () => Readonly<Record<string, ListenerCounters>>;
  /** Where the control socket may be, the first that takes it. */
  readonly folders: readonly string[];
  /** Where the pages are; undefined for none. */
  readonly statusListen: ListenAddress | undefined;
  /** Who may see the pages. */
  readonly browsers?: BrowserPolicy;
  /** Fires when the tunnel is about to close. */
  readonly signal: AbortSignal;
}

export interface OfferStatusPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly listeners: LocalListeners;
}

export interface StatusOffer {
  /** Where the pages are; undefined for none. */
  readonly url: string | undefined;
  /** The path of the control socket; undefined if no folder took one. */
  readonly socket: string | undefined;
  close(): Promise<void>;
}

/** Milliseconds; who asks waits 3 s. */
const CONTROL_DEADLINE = 2_500;

/** @throws UserError when the port of the pages cannot be had; a control socket is done without */
export async function offerStatus(
  options: OfferStatusOptions,
  ports: OfferStatusPorts,
): Promise<StatusOffer> {
  const pages = await openPages(options, ports);
  const control = await openControlSocket(
    options,
    (name) => new ControlSession(() => reportOf({ name, pages }, options, ports)),
    ports,
  );
  return new OpenStatusOffer(pages, control);
}

class OpenStatusOffer implements StatusOffer {
  readonly #pages: PageListener | undefined;
  readonly #control: ControlSocket | undefined;
  readonly url: string | undefined;
  readonly socket: string | undefined;

  constructor(pages: PageListener | undefined, control: ControlSocket | undefined) {
    this.#pages = pages;
    this.#control = control;
    this.url = pages?.url;
    this.socket = control?.path;
  }

  async close(): Promise<void> {
    await Promise.all([this.#pages?.close(), this.#control?.close()]);
  }
}

async function openPages(
  options: OfferStatusOptions,
  { clock, log }: OfferStatusPorts,
): Promise<PageListener | undefined> {
  const { statusListen: listen, browsers } = options;
  if (listen === undefined) return undefined;
  const pages = statusPages({ ...options, clock });
  const page = { listen, flag: '--status-listen', pages, ...(browsers && { browsers }), log };
  const listener = await startPageListener(page);
  log.info({ url: listener.url }, 'status pages listening');
  return listener;
}

async function reportOf(
  { name, pages }: { readonly name: string; readonly pages: PageListener | undefined },
  { tunnel, simId, version, pid, uapiName, listeners }: OfferStatusOptions,
  { clock }: OfferStatusPorts,
): Promise<StatusReport> {
  const source = tunnel();
  if (source === undefined) throw new Error('the tunnel is not open yet');
  return {
    ...(await timelyStatus(source, CONTROL_DEADLINE, clock)),
    ...{ name, simId, version, pid, uapiName },
    listeners: { ...listeners(), status: pages?.url },
  };
}
