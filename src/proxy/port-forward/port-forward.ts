/** Port forwards as data, and their text. */
import { formatAuthority } from '../../lib/text/http-syntax.js';
import type { DialTarget } from '../dialer.js';
import type { ListenAddress } from '../listen-address.js';
import type { SocketPath } from '../open-socket-file.js';

export type ForwardProtocol = 'tcp' | 'udp';

/** A place on this machine. */
export type LocalPlace = ListenAddress | SocketPath;

/** A port or Unix socket on this machine that leads to a host inside the tunnel: ssh's -L. */
export interface LocalForward {
  readonly kind: 'local';
  readonly protocol: ForwardProtocol;
  /** Port 0 selects any free port. A Unix socket is always TCP. */
  readonly listen: LocalPlace;
  /** The target inside the tunnel; names are resolved there. */
  readonly target: DialTarget;
}

/** A port of the tunnel's address that leads to a service on this machine: ssh's -R. */
export interface RemoteForward {
  readonly kind: 'remote';
  readonly protocol: ForwardProtocol;
  /** The port of the tunnel's address; 0 selects any free port. */
  readonly port: number;
  /** The service, outside the tunnel; the system resolves its name. */
  readonly target: DialTarget | SocketPath;
}

export type PortForward = LocalForward | RemoteForward;

/** Where a forward listens. Two open forwards never have the same place. */
export type ForwardPlace =
  Pick<LocalForward, 'kind' | 'protocol' | 'listen'> | Omit<RemoteForward, 'target'>;

/** The flag of each kind, for messages. */
export const FORWARD_FLAG = { local: '--local-forward', remote: '--remote-forward' } as const;

/** Formats a place on this machine as `127.0.0.1:8080`, or as its path. */
export function placeText(place: LocalPlace | DialTarget): string {
  return 'path' in place ? place.path : formatAuthority(place);
}

/** Formats where a forward listens, such as `127.0.0.1:8080`, or the port inside the tunnel. */
export function listenText(place: ForwardPlace): string {
  return place.kind === 'local' ? placeText(place.listen) : String(place.port);
}

/** Returns a string that is equal for equal places. */
export function placeKey(place: ForwardPlace): string {
  return `${place.kind} ${place.protocol} ${listenText(place)}`;
}
