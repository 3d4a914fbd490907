import type { TcpObserver } from '../../../src/netstack/tcp/observer.js';

/** A connection observer that ignores all events. */
export const silentObserver: TcpObserver = {
  established: () => undefined,
  readable: () => undefined,
  writable: () => undefined,
  remoteClosed: () => undefined,
  closed: () => undefined,
};
