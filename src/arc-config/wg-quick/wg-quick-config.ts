/**
 * Splits a wg-quick configuration into entries, without interpreting the keys. Accepts sections and
 * keys in any case, comments that start with `#`, repeated keys, CRLF, and a byte order mark.
 */
import type { ArcConfigFault } from '../arc-config-error.js';

/** The keys that WireGuard, wg-quick and the WireGuard apps use, in their official spelling. */
const WG_QUICK_KEYS = {
  interface: [
    'PrivateKey',
    'Address',
    'MTU',
    'DNS',
    'ListenPort',
    'FwMark',
    'Table',
    'PreUp',
    'PostUp',
    'PreDown',
    'PostDown',
    'SaveConfig',
    'IncludedApplications',
    'ExcludedApplications',
  ],
  peer: ['PublicKey', 'PresharedKey', 'AllowedIPs', 'Endpoint', 'PersistentKeepalive'],
} as const;

type SectionName = keyof typeof WG_QUICK_KEYS;
export type WgQuickKey = (typeof WG_QUICK_KEYS)[SectionName][number];

export interface WgQuickEntry {
  /** The key in its official spelling; undefined for an unknown key. */
  readonly key: WgQuickKey | undefined;
  /** The key as spelled in the configuration. */
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

export interface WgQuickSection {
  readonly name: SectionName;
  readonly line: number;
  readonly entries: WgQuickEntry[];
}

/** A section of a wireproxy configuration other than WireGuard's two sections. */
export interface WireproxySection {
  /** The section's name, spelled as in wireproxy's documentation. */
  readonly name: WireproxySectionName;
  /** The line of the section header. */
  readonly line: number;
}

export const WIREPROXY_SECTIONS = [
  'Socks5',
  'http',
  'TCPClientTunnel',
  'TCPServerTunnel',
  'STDIOTunnel',
  'UDPProxyTunnel',
  'Resolve',
] as const;
export type WireproxySectionName = (typeof WIREPROXY_SECTIONS)[number];

export function readWgQuickText(
  text: string,
): Pick<WgQuickReader, 'sections' | 'wireproxySections' | 'faults'> {
  const reader = new WgQuickReader();
  // Notepad's "Unicode" encoding is UTF-16, which contains NULs if it is decoded as UTF-8.
  if (text.includes('\0')) {
    const found = 'NUL characters';
    const fault = { line: 1, keyPath: '', found, expected: 'UTF-8 text' };
    return { sections: [], wireproxySections: [], faults: [fault] };
  }
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    reader.readLine(line, index + 1);
  }
  return reader;
}

/** The wireproxy key for the path of a file with WireGuard's two sections. */
const WGCONFIG = /^wgconfig$/i;

class WgQuickReader {
  readonly sections: WgQuickSection[] = [];
  readonly wireproxySections: WireproxySection[] = [];
  readonly faults: ArcConfigFault[] = [];
  /** The current section: undefined before the first one, null for an unknown one. */
  #section: WgQuickSection | null | undefined;

  readLine(line: string, number: number): void {
    // Only `#` starts a comment in wg(8) and wg-quick, anywhere in a line. In other INI files, `;`
    // also starts a comment. trim() also removes a byte order mark.
    const comment = line.indexOf('#');
    const content = (comment < 0 ? line : line.slice(0, comment)).trim();
    if (content === '' || content.startsWith(';')) return;
    if (content.startsWith('[')) this.#readHeader(content, number);
    else this.#readEntry(content, number);
  }

  #readHeader(content: string, line: number): void {
    const name = /^\[\s*(interface|peer)\s*\]$/i.exec(content)?.[1]?.toLowerCase();
    if (name === 'interface' || name === 'peer') {
      this.#section = { name, line, entries: [] };
      this.sections.push(this.#section);
      return;
    }
    this.#section = null;
    const other = /^\[\s*(\w+)\s*\]$/.exec(content)?.[1]?.toLowerCase();
    const wireproxy = WIREPROXY_SECTIONS.find((known) => known.toLowerCase() === other);
    if (wireproxy !== undefined) this.wireproxySections.push({ name: wireproxy, line });
    else {
      this.#fault(line, 'another section', '[Interface] or [Peer]');
    }
  }

  #readEntry(content: string, line: number): void {
    const section = this.#section;
    if (section === null) return;
    const equals = Math.max(content.indexOf('='), 0);
    const [name, value] = [content.slice(0, equals).trim(), content.slice(equals + 1).trim()];
    // Do not show anything that is not a valid name, because it may be a secret key without a name.
    if (!/^[A-Za-z]\w{0,30}$/.test(name)) {
      this.#fault(line, 'text without a key', '"Key = value", [Interface] or [Peer]');
    } else if (section === undefined) {
      const expected = WGCONFIG.test(name)
        ? '[Interface] before it; import the file that WGConfig names'
        : '[Interface] or [Peer] before it';
      this.#fault(line, `${name} before any section`, expected);
    } else {
      const keys: readonly WgQuickKey[] = WG_QUICK_KEYS[section.name];
      const key = keys.find((known) => known.toLowerCase() === name.toLowerCase());
      section.entries.push({ key, name, value, line });
    }
  }

  #fault(line: number, found: string, expected: string): void {
    this.faults.push({ line, keyPath: '', found, expected });
  }
}
