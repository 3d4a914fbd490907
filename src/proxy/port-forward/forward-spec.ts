/** Parses port forwards in ssh's notation: `[bind:]port:host:hostport`, with `/udp` for UDP. */
import { isIP } from 'node:net';

import { UserError } from '../../lib/errors/user-error.js';
import { redactText } from '../../lib/secrets/secret-shapes.js';
import type { DialTarget } from '../dialer.js';
import type { ListenAddress } from '../listen-address.js';
import { readTargetHost } from '../target-host.js';
import {
  FORWARD_FLAG,
  type ForwardPlace,
  type ForwardProtocol,
  type LocalForward,
  type PortForward,
  type RemoteForward,
} from './port-forward.js';

/** The forms of each kind, for messages. */
export const FORWARD_FORM = {
  local: '[BIND:]PORT:HOST:HOSTPORT[/udp] or /PATH:HOST:HOSTPORT',
  remote: 'PORT:HOST:HOSTPORT[/udp], PORT:HOSTPORT[/udp] or PORT:/PATH',
} as const;

/** The forms for removal, in which the target may be omitted. */
const PLACE_FORM = {
  local: '[BIND:]PORT[:HOST:HOSTPORT][/udp] or /PATH[:HOST:HOSTPORT]',
  remote: 'PORT[:HOST:HOSTPORT][/udp]',
} as const;

const PLACE_EXAMPLE = { local: '8080', remote: '2222' } as const;

const EXAMPLE = { local: '8080:10.0.0.3:80', remote: '2222:127.0.0.1:22' } as const;

/** The length of sun_path without its final NUL (unix(7)). */
const LONGEST_PATH = 107;

/** Why a text is not a forward, worded as the end of a sentence. */
export class ForwardFault extends Error {
  override readonly name = 'ForwardFault';
}

/** @throws UserError of kind `usage` */
export function parseForward(kind: PortForward['kind'], text: string): PortForward {
  const form = `${FORWARD_FORM[kind]}, for example ${FORWARD_FLAG[kind]} ${EXAMPLE[kind]}`;
  return explaining(kind, text, form, () => readForward(kind, text));
}

/**
 * Parses the place of a forward to remove: the whole forward, or only the part before its target.
 *
 * @throws UserError of kind `usage`
 */
export function parsePlace(kind: PortForward['kind'], text: string): ForwardPlace {
  const form = `${PLACE_FORM[kind]}, for example ${FORWARD_FLAG[kind]} ${PLACE_EXAMPLE[kind]}`;
  return explaining(kind, text, form, () => readPlace(kind, text));
}

/** @throws ForwardFault */
export function readForward(kind: PortForward['kind'], text: string): PortForward {
  return kind === 'local' ? readLocal(text) : readRemote(text);
}

function explaining<T>(kind: PortForward['kind'], text: string, form: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ForwardFault)) throw error;
    throw new UserError('usage', {
      what: `cannot use ${FORWARD_FLAG[kind]}=${redactText(text)}`,
      why: error.message,
      next: [`Use the form ${form}.`],
    });
  }
}

/** A field of a specification: `[::1]` is bracketed. */
interface Field {
  readonly text: string;
  readonly isBracketed: boolean;
}

function readLocal(text: string): LocalForward {
  const { rest, protocol } = splitProtocol(text);
  if (rest.startsWith('/')) {
    const [path = '', ...after] = rest.split(':');
    const target = readTarget(fieldsOf(after.join(':')));
    return { kind: 'local', protocol: onlyTcp(protocol), listen: { path: readPath(path) }, target };
  }
  if (/^[^:]*\/.*:/.test(rest))
    throw new ForwardFault('the path of a Unix socket must begin with /');
  const fields = fieldsOf(rest);
  const listen = readListen(fields.slice(0, -2));
  return { kind: 'local', protocol, listen, target: readTarget(fields.slice(-2)) };
}

function readRemote(text: string): RemoteForward {
  const toPath = /^(\d+):(\/.*)$/.exec(text);
  if (toPath !== null) {
    const [, digits = '', path = ''] = toPath;
    if (path.endsWith('/udp')) onlyTcp('udp');
    const target = { path: readPath(path) };
    return { kind: 'remote', protocol: 'tcp', port: readPort(plain(digits), 0), target };
  }
  const { rest, protocol } = splitProtocol(text);
  const [first, ...after] = fieldsOf(rest);
  if (after.length > 2) {
    throw new ForwardFault('a remote forward always listens on the address of the virtual SIM');
  }
  const port = readPort(first, 0);
  const [only] = after;
  const isPortOnly = after.length === 1 && only !== undefined;
  const target = isPortOnly ? { host: '127.0.0.1', port: readPort(only, 1) } : readTarget(after);
  return { kind: 'remote', protocol, port, target };
}

function readPlace(kind: PortForward['kind'], text: string): ForwardPlace {
  const { rest, protocol } = splitProtocol(text);
  if (kind === 'local' && rest.startsWith('/') && !rest.includes(':')) {
    return { kind, protocol: onlyTcp(protocol), listen: { path: readPath(rest) } };
  }
  const fields = rest.startsWith('/') ? [] : fieldsOf(rest);
  if (kind === 'local' && (fields.length === 1 || fields.length === 2)) {
    return { kind, protocol, listen: readListen(fields) };
  }
  if (kind === 'remote' && fields.length === 1) {
    return { kind, protocol, port: readPort(fields[0], 0) };
  }
  return readForward(kind, text);
}

function splitProtocol(text: string): { rest: string; protocol: ForwardProtocol } {
  const other = /(?:^|:)\d{1,5}\/([A-Za-z][\w-]*)$/.exec(text)?.[1];
  if (other !== undefined && other !== 'tcp' && other !== 'udp') {
    throw new ForwardFault('the protocol after the slash must be tcp or udp');
  }
  const [, rest = '', protocol = 'tcp'] = /^(.*?)(?:\/(tcp|udp))?$/s.exec(text) ?? [];
  return { rest, protocol: protocol as ForwardProtocol };
}

function onlyTcp(protocol: ForwardProtocol): 'tcp' {
  if (protocol === 'tcp') return 'tcp';
  throw new ForwardFault('a Unix socket cannot carry UDP');
}

/** Splits at colons, except inside brackets. */
function fieldsOf(text: string): Field[] {
  if (!/^(?:\[[^[\]]*\]|[^:[\]]*)(?::(?:\[[^[\]]*\]|[^:[\]]*))*$/.test(text)) {
    throw new ForwardFault('an IPv6 address must be in brackets');
  }
  return [...`:${text}`.matchAll(/:(?:\[([^[\]]*)\]|([^:[\]]*))/g)].map(
    ([, bracketed, bare = '']) => ({
      text: bracketed ?? bare,
      isBracketed: bracketed !== undefined,
    }),
  );
}

function plain(text: string): Field {
  return { text, isBracketed: false };
}

function readListen(fields: readonly Field[]): ListenAddress {
  const [first, second] = fields;
  if (fields.length > 2) {
    throw new ForwardFault('the forward has too many fields; an IPv6 address must be in brackets');
  }
  if (first === undefined) {
    throw new ForwardFault('the forward must have a local port, a target host and a target port');
  }
  if (second === undefined) return { host: '127.0.0.1', port: readPort(first, 0) };
  const isAddress = isIP(first.text) === (first.isBracketed ? 6 : 4);
  if (!isAddress && (first.isBracketed || first.text.toLowerCase() !== 'localhost')) {
    // ssh treats an empty address and "*" as all interfaces, which must be explicit here.
    throw new ForwardFault('the address to listen on must be an IP address or localhost');
  }
  return { host: first.text, port: readPort(second, 0) };
}

function readTarget([host, port, ...others]: readonly Field[]): DialTarget {
  if (host === undefined || port === undefined || others.length > 0) {
    throw new ForwardFault('the forward must have a port, a target host and a target port');
  }
  // A pasted key may look like a name, and must not be sent to a name server.
  const name = redactText(host.text) === host.text ? readTargetHost(host.text) : undefined;
  const isIpv6 = name?.includes(':') === true;
  if (name === undefined || (host.isBracketed && isIP(host.text) !== 6)) {
    throw new ForwardFault('the target host must be an IP address or a name');
  }
  if (isIpv6 && !host.isBracketed) throw new ForwardFault('an IPv6 address must be in brackets');
  return { host: name, port: readPort(port, 1) };
}

function readPort(field: Field | undefined, lowest: 0 | 1): number {
  const port = Number(field?.text);
  if (
    field === undefined ||
    field.isBracketed ||
    !/^\d{1,5}$/.test(field.text) ||
    port < lowest ||
    port > 65_535
  ) {
    throw new ForwardFault(`a port must be a number from ${lowest} to 65535`);
  }
  return port;
}

function readPath(path: string): string {
  if (new TextEncoder().encode(path).length > LONGEST_PATH || path.includes('\0')) {
    throw new ForwardFault(
      `the path of a Unix socket must not be longer than ${LONGEST_PATH} bytes`,
    );
  }
  return path;
}
