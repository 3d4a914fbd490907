/** Converts a wg-quick configuration to arc.json, and reports what arc.json cannot express. */
import { Secret } from '../../lib/secrets/secret.js';
import {
  ArcConfigError,
  type ArcConfigFault,
  inOrder,
  unplacedFault,
} from '../arc-config-error.js';
import {
  DEFAULT_KEEPALIVE,
  initialMembers,
  isZeroKey,
  KEY_LENGTH,
  type ArcConfig,
  type ArcSession,
} from '../arc-config.js';
import { parseHook } from './hook-command.js';
import { parseCidr, parseEndpoint, parseIp, parseKey } from '../value-syntax.js';
import {
  readWgQuickText,
  type WgQuickEntry,
  type WgQuickKey,
  type WgQuickSection,
  type WireproxySection,
  type WireproxySectionName,
} from './wg-quick-config.js';
import { EntryReader, type ImportNote } from './wg-quick-entries.js';

export interface ImportOptions {
  /** The name that messages use for the imported configuration. */
  readonly path: string;
  /** The SIM ID; empty if unknown. */
  readonly simId: string;
  /** `process.platform`, which determines the interface name. */
  readonly platform: string;
  /** Whether settings that arc.json cannot express are reported as notes instead of faults. */
  readonly ignoreUnsupported: boolean;
  readonly publicKeyOf: (privateKey: Uint8Array) => Uint8Array;
}

/** @throws ArcConfigError with all faults */
export function importWgQuickConfig(
  text: string,
  options: ImportOptions,
): { config: ArcConfig; notes: readonly ImportNote[] } {
  const { sections, wireproxySections, faults } = readWgQuickText(text);
  // If the configuration has no sections, do not report missing keys in addition.
  if (sections.length === 0 && faults.length > 0) throw importError(options.path, faults);
  const reader = new EntryReader(faults);
  for (const section of wireproxySections) {
    skipSection(reader, section, options.ignoreUnsupported);
  }
  const own = sectionOf(reader, sections, 'interface');
  const peer = sectionOf(reader, sections, 'peer');
  for (const { entries } of sections) {
    for (const entry of entries) tellLoss(reader, entry, options.ignoreUnsupported);
  }
  const ours = own?.entries ?? [];
  const privateKey = reader.required(ours, 'PrivateKey', own, KEY);
  const config = {
    ...initialMembers(options.platform),
    simId: options.simId,
    mtu: readMtu(reader, ours),
    persistentKeepalive: readKeepalive(reader, peer),
    preUp: readHooks(reader, ours, 'PreUp'),
    postUp: readHooks(reader, ours, 'PostUp'),
    preDown: readHooks(reader, ours, 'PreDown'),
    postDown: readHooks(reader, ours, 'PostDown'),
    arcSessionStatus: readSession(reader, own, peer),
  };
  if (privateKey === undefined || reader.faults.length > 0) {
    throw importError(options.path, reader.faults);
  }
  const keys = { privateKey: new Secret(privateKey), publicKey: options.publicKeyOf(privateKey) };
  return { config: { ...config, ...keys }, notes: inOrder(reader.notes) };
}

function importError(path: string, faults: readonly ArcConfigFault[]): ArcConfigError {
  const next = ['Nothing was written.', 'Correct the file, or download it again.'];
  return new ArcConfigError(path, inOrder(faults), { next });
}

const KEY = {
  parse: (text: string) => {
    const key = parseKey(text);
    return key && !isZeroKey(key) ? key : undefined;
  },
  expected:
    'a key of 32 bytes in base64 (44 characters, with "=" at the end) that is not all zeros',
};
const ADDRESS = {
  parse: parseAddress,
  expected: 'an IP address, with or without a prefix length',
};
const ALLOWED_IP = { parse: parseAllowedIp, expected: 'an IP address or a CIDR' };
const ENDPOINT = { parse: parseWgEndpoint, expected: '"host:port"' };
const U16 = { parse: parseU16, expected: 'an integer from 0 to 65535' };
const KEEPALIVE = { parse: parseU16, expected: `${U16.expected}, or "off"` };
const HOOK = { parse: parseHook, expected: 'a command without unclosed quotes' };

/**
 * Returns a section by name. [Interface] may be split into several parts, as in WireGuard, but only
 * one [Peer] is allowed.
 */
function sectionOf(
  reader: EntryReader,
  sections: readonly WgQuickSection[],
  name: WgQuickSection['name'],
): WgQuickSection | undefined {
  const [first, ...others] = sections.filter((section) => section.name === name);
  if (first === undefined) {
    const expected = name === 'peer' ? 'a [Peer] section' : 'an [Interface] section';
    reader.faults.push(unplacedFault('', 'none', expected));
    return undefined;
  }
  if (name === 'interface') {
    return { ...first, entries: [first, ...others].flatMap(({ entries }) => entries) };
  }
  for (const { line } of others) {
    const expected = 'only one [Peer], because arc.json supports only one server';
    reader.faults.push({ line, keyPath: '', found: 'another [Peer]', expected });
  }
  return first;
}

const NO_FORWARDS = 'arctun does not support port forwarding';
const INSTEAD: Readonly<Record<WireproxySectionName, string>> = {
  Socks5: '"arctun up" has its own proxy; set its address with --proxy-listen',
  http: '"arctun up" has its own proxy; set its address with --proxy-listen',
  TCPClientTunnel: NO_FORWARDS,
  TCPServerTunnel: NO_FORWARDS,
  STDIOTunnel: NO_FORWARDS,
  UDPProxyTunnel: NO_FORWARDS,
  Resolve: 'set the name servers with "arctun up --dns"',
};

function skipSection(
  reader: EntryReader,
  { name, line }: WireproxySection,
  ignoreUnsupported: boolean,
): void {
  const key = `[${name}]`;
  if (ignoreUnsupported) {
    reader.notes.push({
      line,
      key,
      message: `skipped, because it is a wireproxy section; ${INSTEAD[name]}`,
    });
  } else {
    const found = `${key}, a wireproxy section`;
    const expected = '[Interface] or [Peer] (add --ignore-unsupported to skip it)';
    reader.faults.push({ line, keyPath: '', found, expected });
  }
}

/**
 * Settings that arc.json cannot express, each with the value that can be dropped without effect and
 * the note for other values.
 */
const LOST: Partial<Record<WgQuickKey, { harmless?: RegExp; message: string }>> = {
  DNS: { message: "arc.json does not support name servers; the system's name servers are used" },
  ListenPort: {
    harmless: /^0$/,
    message: 'arc.json does not support a listening port; a free port is used',
  },
  FwMark: { harmless: /^(0|0x0+|off)$/i, message: 'arc.json does not support a firewall mark' },
  Table: { harmless: /^auto$/i, message: 'arc.json does not support a routing table' },
  SaveConfig: {
    harmless: /^false$/i,
    message: 'arctun does not save the configuration of a running tunnel',
  },
  IncludedApplications: { message: 'arc.json does not support application lists' },
  ExcludedApplications: { message: 'arc.json does not support application lists' },
};

function tellLoss(reader: EntryReader, entry: WgQuickEntry, ignoreUnsupported: boolean): void {
  const { key, name, value, line } = entry;
  const lost = key && LOST[key];
  const unsupported = (found: string, expected: string) => {
    const hint = `${expected} (add --ignore-unsupported to drop it)`;
    // Avoid a colon in this note, because redaction hides text after "key:" as a secret.
    if (ignoreUnsupported) reader.note(entry, `dropped (${found})`);
    else reader.faults.push({ line, keyPath: name, found, expected: hint });
  };
  if (key === undefined) {
    unsupported('an unknown key', 'a key of WireGuard or wg-quick');
  } else if (key === 'PresharedKey') {
    // In WireGuard, a key of zeros means no pre-shared key.
    const isNone = isZeroKey(parseKey(value) ?? Uint8Array.of(1));
    const expected =
      'no pre-shared key: arc.json does not support pre-shared keys, and this server does not answer without one';
    if (!isNone) unsupported('a pre-shared key', expected);
  } else if (lost && value !== '' && lost.harmless?.test(value) !== true) {
    reader.note(entry, `dropped: ${lost.message}`);
  }
}

function readSession(
  reader: EntryReader,
  own: WgQuickSection | undefined,
  peer: WgQuickSection | undefined,
): ArcSession {
  const theirs = peer?.entries ?? [];
  const address = readAddress(reader, own);
  const serverKey = reader.required(theirs, 'PublicKey', peer, KEY);
  const endpoint = reader.required(theirs, 'Endpoint', peer, ENDPOINT);
  return {
    arcServerPeerPublicKey: serverKey ?? new Uint8Array(KEY_LENGTH),
    ...(endpoint && { arcServerEndpoint: endpoint }),
    arcAllowedIps: readAllowedIps(reader, peer),
    ...(address !== undefined && { arcClientPeerIpAddress: address }),
    unknownKeys: [],
  };
}

/** Returns the first IPv4 address, because Arc uses IPv4; otherwise the first address. */
function readAddress(reader: EntryReader, own: WgQuickSection | undefined): string | undefined {
  const items = reader.items(own?.entries ?? [], 'Address');
  if (items.length === 0) reader.missing(own, 'Address', ADDRESS.expected);
  const addresses = items.flatMap((entry) => {
    const parsed = reader.parsed(entry, ADDRESS);
    return parsed ? [{ entry, ...parsed }] : [];
  });
  const chosen = addresses.find(({ address }) => !address.includes(':')) ?? addresses[0];
  for (const { entry, address, isWhole } of addresses) {
    if (entry !== chosen?.entry) {
      reader.note(entry, `dropped ${entry.value}: arc.json supports only one address`);
    } else if (!isWhole) {
      reader.note(
        entry,
        `saved ${entry.value} as ${address}: arc.json does not store a prefix length here`,
      );
    }
  }
  return chosen?.address;
}

function readAllowedIps(reader: EntryReader, peer: WgQuickSection | undefined): string[] {
  const items = reader.items(peer?.entries ?? [], 'AllowedIPs');
  if (peer && items.length === 0) {
    const message = 'missing, so no traffic is routed through the tunnel';
    reader.notes.push({ line: peer.line, key: 'AllowedIPs', message });
  }
  return items.flatMap((entry) => reader.parsed(entry, ALLOWED_IP) ?? []);
}

function readMtu(reader: EntryReader, ours: readonly WgQuickEntry[]): number {
  const entry = reader.last(ours, 'MTU');
  return (entry && reader.parsed(entry, U16)) ?? 0;
}

function readKeepalive(reader: EntryReader, peer: WgQuickSection | undefined): number {
  const entry = reader.last(peer?.entries ?? [], 'PersistentKeepalive');
  if (entry && !/^(off|0+)$/i.test(entry.value)) return reader.parsed(entry, KEEPALIVE) ?? 0;
  const message = `off in this file, but set to ${DEFAULT_KEEPALIVE} seconds in arc.json, which cannot disable keepalives`;
  const line = entry?.line ?? peer?.line;
  if (line !== undefined) reader.notes.push({ line, key: 'PersistentKeepalive', message });
  return 0;
}

function readHooks(
  reader: EntryReader,
  ours: readonly WgQuickEntry[],
  key: 'PreUp' | 'PostUp' | 'PreDown' | 'PostDown',
): string[][] {
  return ours
    .filter((entry) => entry.key === key && entry.value !== '')
    .flatMap((entry) => {
      const hook = reader.parsed(entry, HOOK);
      if (hook?.needsShell) {
        reader.note(
          entry,
          'the command needs a shell: arctun runs it with /bin/sh -c, whereas wg-quick uses bash',
        );
      }
      return hook ? [hook.command] : [];
    });
}

function parseU16(text: string): number | undefined {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  return value <= 0xffff ? value : undefined;
}

/** Parses wg(8)'s endpoint: the port is required; brackets around the host are optional. */
function parseWgEndpoint(text: string) {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(text) ?? [];
  const bare = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  return host === '' ? undefined : parseEndpoint(bare.includes(':') ? `[${bare}]:${port}` : text);
}

function parseAddress(text: string): { address: string; isWhole: boolean } | undefined {
  const [host = '', length] = text.split('/');
  const address = parseIp(host);
  if (address === undefined || (length !== undefined && !parseCidr(text))) return undefined;
  return { address, isWhole: length === undefined || length === wholeLength(address) };
}

function parseAllowedIp(text: string): string | undefined {
  if (text.includes('/')) return parseCidr(text);
  const address = parseIp(text);
  return address && `${address}/${wholeLength(address)}`;
}

function wholeLength(address: string): string {
  return address.includes(':') ? '128' : '32';
}
