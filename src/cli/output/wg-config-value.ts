/**
 * The output of `wg-config --json`: `{"Interface": {"Address": ["10.0.0.1/32"], …}, "Peer": …}`.
 */

/** Keys that can have several values in a wg-quick configuration, on one line or on several. */
const LISTS = new Set(['Address', 'AllowedIPs', 'PreUp', 'PostUp', 'PreDown', 'PostDown']);
/** The keys whose values are commands, in which a comma does not separate values. */
const COMMANDS = /^(?:Pre|Post)/;

/** @param text a configuration with one peer, formatted by `formatWgConfig` */
export function wgConfigValue(text: string): object {
  const sections: Record<string, Record<string, string | string[]>> = {};
  let section: Record<string, string | string[]> = {};
  for (const line of text.split('\n')) {
    const [, heading] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, key = '', value = ''] = /^(\w+) = (.*)$/.exec(line) ?? [];
    if (heading !== undefined) section = sections[heading] = {};
    else if (LISTS.has(key)) {
      const values = COMMANDS.test(key) ? [value] : value.split(', ');
      const before = section[key];
      section[key] = Array.isArray(before) ? [...before, ...values] : values;
    } else if (key !== '') section[key] = value;
  }
  return sections;
}
