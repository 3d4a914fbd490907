/** Serves the status of a running tunnel at its control socket and on HTTP pages. */
import type { ConnectionStatus } from '../../proxy/status/connection-list.js';
import type { BrowserPolicy } from '../../proxy/http/browser-check.js';
import type { ListenAddress } from '../../proxy/listen-address.js';
import {
  type Page,
  type PageListener,
  startPageListener,
  type Stream,
} from '../../proxy/page-listener.js';
import type { LocalListeners } from '../../ports/local-sockets.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { closedAnswer, ControlSession, type StreamRequests } from './control-session.js';
import { forwardHandlers } from './forward-requests.js';
import { openControlSocket } from './control-socket.js';
import { statusPages, type StatusPagesOptions, timelyStatus } from './status-pages.js';
import type { StatusReport, TunnelIdentity, TunnelListeners } from './status-report.js';
import type { EventStream } from '../../proxy/status/event-stream.js';
import type { PageFile, StatusPageOptions } from './page/status-page.js';

export interface OfferStatusOptions
  extends Omit<StatusPagesOptions, 'clock'>, Omit<TunnelIdentity, 'name'> {
  /** The interface's name, or the name in arc.json. */
  readonly interfaceName: string;
  readonly listeners: () => Omit<TunnelListeners, 'status'>;
  /** The name servers inside the tunnel, as IP addresses in text form. */
  readonly nameServers?: readonly string[] | undefined;
  /** The open TCP connections, the latest first; undefined if the system runs TCP. */
  readonly connections?: (() => readonly ConnectionStatus[]) | undefined;
  /** The requests that take over a connection to the control socket. */
  readonly streams?: StreamRequests | undefined;
  /** Candidate folders for the control socket. The first usable folder is used. */
  readonly folders: readonly string[];
  /** The address of the status pages; undefined if disabled. */
  readonly statusListen: ListenAddress | undefined;
  /** Which browser origins may read the pages. */
  readonly browsers?: BrowserPolicy;
}

export interface OfferStatusPorts extends Pick<TunnelPorts, 'clock' | 'wallClock' | 'log'> {
  readonly listeners: LocalListeners;
}

export interface StatusOffer {
  /** The URL of the status pages; undefined if disabled. */
  readonly url: string | undefined;
  /** The path of the control socket; undefined if no folder was usable. */
  readonly socket: string | undefined;
  close(): Promise<void>;
}

/** The timeout in milliseconds. It is less than the 3 s that clients wait. */
const CONTROL_DEADLINE = 2_500;

/** @throws UserError if the port of the pages is unavailable; the control socket is optional */
export async function offerStatus(
  options: OfferStatusOptions,
  ports: OfferStatusPorts,
): Promise<StatusOffer> {
  const known: { name: string; url?: string } = { name: options.interfaceName };
  const report = (name: string) => reportOf({ name, url: known.url }, options, ports);
  const pages = await openPages(options, { name: () => known.name, report }, ports);
  if (pages !== undefined) known.url = pages.url;
  const control = await openControlSocket(
    options,
    (name) => {
      const handlers = forwardHandlers(() => options.forwards);
      const status = () => statusAnswer(name, options, report);
      return new ControlSession({ status, ...handlers }, options.streams);
    },
    ports,
  );
  if (control !== undefined) known.name = control.name;
  return {
    url: pages?.url,
    socket: control?.path,
    close: async () => {
      await Promise.all([pages?.close(), control?.close()]);
    },
  };
}

/** Answers also for one of several SIMs whose tunnel is not open. */
async function statusAnswer(
  name: string,
  { isOfFleet, simId, pid }: OfferStatusOptions,
  report: (name: string) => Promise<StatusReport>,
): Promise<object> {
  try {
    return { status: await report(name) };
  } catch (error) {
    if (isOfFleet !== true) throw error;
    return closedAnswer(error, { name, simId, pid });
  }
}

async function openPages(
  options: OfferStatusOptions,
  source: { name: () => string; report: (name: string) => Promise<StatusReport> },
  { clock, wallClock, log }: OfferStatusPorts,
): Promise<Pick<PageListener, 'url' | 'close'> | undefined> {
  const { statusListen: listen, browsers } = options;
  if (listen === undefined) return undefined;
  const human = humanPage({ ...source, clock, wallClock });
  const listener = await startPageListener({
    ...{ listen, flag: '--status-listen', streams: human.streams, log },
    ...(browsers && { browsers }),
    pages: new Map([...human.pages, ...statusPages({ ...options, clock })]),
  });
  log.info({ url: listener.url }, 'status pages listening');
  return {
    url: listener.url,
    close: () => {
      human.close();
      return listener.close();
    },
  };
}

async function reportOf(
  { name, url }: { readonly name: string; readonly url: string | undefined },
  options: OfferStatusOptions,
  { clock }: OfferStatusPorts,
): Promise<StatusReport> {
  const { tunnel, simId, version, pid, uapiName, nameServers, listeners, connections } = options;
  const spool = options.spool?.().catch(() => undefined);
  const { isOfFleet } = options;
  const source = tunnel();
  if (source === undefined) throw new Error('the tunnel is not open yet');
  return {
    ...(await timelyStatus(source, CONTROL_DEADLINE, clock)),
    ...{ name, simId, version, pid, uapiName, nameServers, isOfFleet },
    listeners: { ...listeners(), status: url },
    openConnections: connections?.(),
    spool: await spool,
  };
}

export interface HumanPage {
  readonly pages: ReadonlyMap<string, () => Promise<Page>>;
  readonly streams: ReadonlyMap<string, Stream>;
  /** Ends the streams. */
  close(): void;
}

const FILES: readonly PageFile[] = ['/', '/page.css', '/page.js', '/icon.svg'];

export function humanPage(options: StatusPageOptions): HumanPage {
  let events: EventStream | undefined;
  let isClosed = false;
  const load = () => import('./page/status-page.js');
  const stream: Stream = (request, response) => {
    const handle = async () => {
      const { openEvents } = await load();
      events ??= openEvents(options);
      if (isClosed) events.close();
      events.handle(request, response);
    };
    // The code cannot be loaded if this program was replaced meanwhile.
    handle().catch(() => response.destroy());
  };
  return {
    pages: new Map(FILES.map((path) => [path, async () => (await load()).pageFile(path)])),
    streams: new Map([['/events', stream]]),
    close: () => {
      isClosed = true;
      events?.close();
    },
  };
}
