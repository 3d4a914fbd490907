import type { TcpObserver } from '../../../src/netstack/tcp/observer.js';

/** An observer of a connection that does nothing with what it is told. */
export const silentObserver: TcpObserver = {
  established: () => undefined,
  readable: () => undefined,
  writable: () => undefined,
  remoteClosed: () => undefined,
  closed: () => undefined,
};
