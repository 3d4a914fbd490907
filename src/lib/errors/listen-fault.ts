/**
 * Why the system does not let a program listen, by its codes. The whole message is made in proxy/open-port.ts;
 * app/up/port-taken.ts names the program that has the port.
 */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'this port is in use',
  EADDRNOTAVAIL: 'this machine does not have this address',
  EACCES: 'this port requires privileges',
  EPERM: 'this port requires privileges',
  ENOTFOUND: 'the host name was not found',
  EAI_AGAIN: 'the host name cannot be resolved at the moment',
};

/** Returns undefined if the error code is unknown. */
export function listenFault(code: string | undefined): string | undefined {
  return REASONS[code ?? ''];
}
