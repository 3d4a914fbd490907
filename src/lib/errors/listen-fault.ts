/**
 * Why the system does not let a program listen, by its codes. The whole message is made in proxy/listen-error.ts;
 * app/up/port-taken.ts names the program that has the port.
 */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'this port is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this port needs a privilege',
  EPERM: 'this port needs a privilege',
  ENOTFOUND: 'there is no host of this name',
  EAI_AGAIN: 'the name cannot be looked up now',
};

/** undefined for a code that is not known. */
export function listenFault(code: string | undefined): string | undefined {
  return REASONS[code ?? ''];
}
