/**
 * An IP address, 4 or 16 bytes in network byte order. Strings are used only for input and output.
 */
export type IpAddress = Uint8Array;

/** An address prefix (RFC 4632, RFC 4291 2.3). All bits after `prefixLength` are zero. */
export interface IpPrefix {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

export interface SocketAddress {
  readonly address: IpAddress;
  readonly port: number;
}

/** Parses a dotted-quad IPv4 address or an RFC 4291 IPv6 address; undefined if invalid. */
export function parseIpAddress(text: string): IpAddress | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const address = new Uint8Array(4);
  for (let index = 0; index < 4; index++) {
    const part = parts[index]!;
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address[index] = Number(part);
  }
  return address;
}

function parseIpv6(text: string): IpAddress | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!);
  const tail = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const address = new Uint8Array(16);
  groups.forEach((group, index) => {
    address[index * 2] = group >> 8;
    address[index * 2 + 1] = group & 0xff;
  });
  return address;
}

/** Parses the groups on one side of `::`. The last may be a dotted quad (RFC 4291 2.2, form 3). */
function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const quad = parseIpv4(part);
      if (quad === undefined) return undefined;
      groups.push((quad[0]! << 8) | quad[1]!, (quad[2]! << 8) | quad[3]!);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** Formats an address. IPv6 uses the form that RFC 5952 recommends. */
export function formatIpAddress(address: IpAddress): string {
  if (address.length === 4) return address.join('.');
  const groups = Array.from(
    { length: 8 },
    (_, index) => (address[index * 2]! << 8) | address[index * 2 + 1]!,
  );
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.length < 2) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let index = 0; index <= groups.length; index++) {
    if (index < groups.length && groups[index] === 0) continue;
    if (index - start > best.length) best = { start, length: index - start };
    start = index + 1;
  }
  return best;
}

/** Parses `address/length` and masks the host bits. The length is required. */
export function parseIpPrefix(text: string): IpPrefix | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match && parseIpAddress(match[1]!);
  if (!address) return undefined;
  const prefixLength = Number(match[2]);
  if (prefixLength > address.length * 8) return undefined;
  return { address: maskAddress(address, prefixLength), prefixLength };
}

export function formatIpPrefix({ address, prefixLength }: IpPrefix): string {
  return `${formatIpAddress(address)}/${prefixLength}`;
}

/** Returns a copy of `address` in which only the first `prefixLength` bits may be nonzero. */
export function maskAddress(address: IpAddress, prefixLength: number): IpAddress {
  return address.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
    return byte & (0xff << (8 - bits));
  });
}

export function sameAddress(left: IpAddress, right: IpAddress): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

/**
 * Returns a Map key: a number for IPv4, a string for IPv6, so that keys of the two families never
 * collide.
 */
export function addressKey(address: IpAddress): number | string {
  if (address.length === 4) {
    return ((address[0]! << 24) | (address[1]! << 16) | (address[2]! << 8) | address[3]!) >>> 0;
  }
  return String.fromCharCode(...address);
}
