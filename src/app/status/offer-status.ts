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
import type { Conversation, LocalListener, LocalListeners } from '../../ports/local-sockets.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { closedAnswer, ControlSession, type StreamRequests } from './control-session.js';
import { forwardHandlers } from './forward-requests.js';
import { statusPages, type StatusPagesOptions, timelyStatus } from './status-pages.js';
import type { StatusReport, TunnelIdentity, TunnelListeners } from './status-report.js';
import type { EventStream } from '../../proxy/status/event-stream.js';
import type { PageFile, StatusPageOptions } from './page/status-page.js';
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import type { Log } from '../../ports/log.js';

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

export interface ControlPlace {
  /** Candidate folders; the socket is created in the first usable one. */
  readonly folders: readonly string[];
  /** The interface's name, or the name in arc.json. Several tunnels may have the same name. */
  readonly interfaceName: string;
  readonly pid: number;
}

export interface ControlSocket {
  /** The file name without `.sock`. */
  readonly name: string;
  readonly path: string;
  close(): Promise<void>;
}

/** sun_path is 108 bytes long, and its last byte is zero (unix(7)). */
const LONGEST_PATH = 107;

/**
 * The maximum number of clients whose request has not arrived yet. Each one may buffer 4 kB, and
 * many commands may connect at the same moment.
 */
const MAX_CONVERSATIONS = 1_024;

/**
 * Valid socket names. The pattern is strict because arc.json may contain any name, and the socket
 * must not be outside the folder.
 */
const FILE_NAME = /^[A-Za-z0-9_=+.-]{1,64}$/;

/**
 * Opens the socket. If that fails, logs a warning, and the tunnel continues without it.
 *
 * @param converse creates a session for a tunnel of the given name
 */
export async function openControlSocket(
  { folders, interfaceName, pid }: ControlPlace,
  converse: (name: string) => Conversation,
  { listeners, log }: { readonly listeners: LocalListeners; readonly log: Log },
): Promise<ControlSocket | undefined> {
  const names = controlNames(interfaceName, pid);
  let reason = 'this system does not support Unix sockets';
  for (const folder of folders) {
    for (const name of names) {
      try {
        const path = `${folder}/${name}.sock`;
        const listener = await listen(path, name);
        return { name, path, close: () => listener.close() };
      } catch (error) {
        reason = messageOf(error);
        // If the name is taken, try the next one. If the folder is unusable, try the next folder.
        if (codeOf(error) !== 'EADDRINUSE') break;
      }
    }
  }
  log.warn(
    { reason },
    'cannot create the control socket, so other arctun commands will not find this tunnel',
  );
  return undefined;

  async function listen(path: string, name: string): Promise<LocalListener> {
    if (new TextEncoder().encode(path).length > LONGEST_PATH) {
      throw new Error(`the path ${path} must not be longer than ${LONGEST_PATH} bytes`);
    }
    return listeners.listen(path, () => converse(name), { maxConversations: MAX_CONVERSATIONS });
  }
}

/** Returns the name for the control socket, and an alternative in case the name is taken. */
function controlNames(interfaceName: string, pid: number): readonly string[] {
  const isPossible = FILE_NAME.test(interfaceName) && !/^\.+$/.test(interfaceName);
  return isPossible ? [interfaceName, `${interfaceName}-${pid}`] : [`arctun-${pid}`];
}
