/**
 * Writes a proxy auto-configuration file, which makes a browser send only the tunnel's names and
 * addresses through the proxy.
 */
import ipaddr from 'ipaddr.js';

export interface PacContent {
  /** The proxy as `host:port`, as the browser reaches it. */
  readonly proxy: string;
  /** The names that are inside the tunnel, in lower case. */
  readonly names: readonly string[];
  /** The allowed IPs, each as `address/length`. */
  readonly allowedIps: readonly string[];
}

export function pacFile({ proxy, names, allowedIps }: PacContent): string {
  const ranges = allowedIps.map(rangeOf).filter((range) => range !== undefined);
  // With a default route, the tunnel can also reach the hosts whose names the browser resolves.
  const isDefault = ranges.some(({ length }) => length === 0);
  return [
    `var proxy = ${literal(`PROXY ${proxy}`)};`,
    `var names = ${literal(names)};`,
    `var ranges = ${literal(ranges)};`,
    `var others = ${isDefault ? 'proxy' : '"DIRECT"'};`,
    CODE,
  ].join('\n');
}

/** An IP range: its address as numbers of 16 bits, and the length of its prefix. */
interface Range {
  readonly groups: readonly number[];
  readonly length: number;
}

function rangeOf(text: string): Range | undefined {
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const [address, length] = ipaddr.parseCIDR(text);
  const bytes = address.toByteArray();
  const groups = bytes.flatMap((byte, at) =>
    at % 2 === 0 ? [(byte << 8) | (bytes[at + 1] ?? 0)] : [],
  );
  return { groups, length };
}

/** Formats a value as JavaScript. Escapes what JSON allows in a string but old engines do not. */
function literal(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff<]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * The constant part, in ECMAScript 3, which all PAC engines support. It does not call isInNet() or
 * dnsResolve(), because these resolve names outside the tunnel.
 */
const CODE = `
function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/^\\[|\\]$/g, "").replace(/\\.$/, "");
  for (var i = 0; i < names.length; i++) if (host === names[i]) return proxy;
  if (host === "localhost" || /\\.localhost$/.test(host)) return "DIRECT";
  var groups = groupsOf(host);
  if (groups === null) return others;
  if (/^127\\./.test(host) || host === "::1") return "DIRECT";
  for (var j = 0; j < ranges.length; j++) if (contains(ranges[j], groups)) return proxy;
  return "DIRECT";
}

function contains(range, groups) {
  if (range.groups.length !== groups.length) return false;
  for (var i = 0, left = range.length; left > 0; i++, left -= 16) {
    var unused = left < 16 ? 16 - left : 0;
    if (range.groups[i] >> unused !== groups[i] >> unused) return false;
  }
  return true;
}

// The address as numbers of 16 bits; null for a name.
function groupsOf(host) {
  var quad = /^(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})$/.exec(host);
  if (quad) return [quad[1] * 256 + +quad[2], quad[3] * 256 + +quad[4]];
  if (host.indexOf(":") < 0) return null;
  var halves = host.split("::");
  var head = halves[0] ? halves[0].split(":") : [];
  var tail = halves[1] ? halves[1].split(":") : [];
  while (halves.length === 2 && head.length + tail.length < 8) head.push("0");
  var groups = head.concat(tail);
  for (var i = 0; i < groups.length; i++) groups[i] = parseInt(groups[i], 16);
  return groups;
}
`;
