/**
 * Explains the error codes for a failure to listen. proxy/open-port.ts creates the whole message;
 * app/up/port-taken.ts names the program that is using the port.
 */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'this port is in use',
  EADDRNOTAVAIL: 'this machine does not have this address',
  EACCES: 'this port requires privileges',
  EPERM: 'this port requires privileges',
  ENOTFOUND: 'the host name was not found',
  EAI_AGAIN: 'the host name cannot be resolved at the moment',
};

/** Returns the reason for an error code; undefined if the code is unknown. */
export function listenFault(code: string | undefined): string | undefined {
  return REASONS[code ?? ''];
}
