/** Describes data without its values: only names and types. */

/** At most this many members are described, because a server chooses the data. */
const MOST_MEMBERS = 80;

/** A name that is a word of an API, and not an identifier of a SIM, a profile or a tag. */
const WORD = /^[A-Za-z][A-Za-z_]*\d{0,2}$/;

/** The values of these members are maps whose names belong to the user. */
const MAPS = new Set(['tags', 'profiles', 'subscribers']);

/**
 * Lists the members of a value, such as `sessionStatus.online: boolean`.
 *
 * @param {unknown} value
 * @returns {string[]}
 */
export function shapeOf(value) {
  /** @type {Set<string>} */
  const members = new Set();
  add(value, '', members);
  return [...members].slice(0, MOST_MEMBERS);
}

function add(value, path, members) {
  if (Array.isArray(value)) {
    if (value.length === 0) members.add(`${path}[]`);
    for (const each of value) add(each, `${path}[]`, members);
    return;
  }
  if (typeof value !== 'object' || value === null) {
    members.add(`${path === '' ? '' : `${path}: `}${value === null ? 'null' : typeof value}`);
    return;
  }
  const isMap = MAPS.has(path.split('.').at(-1) ?? '');
  if (Object.keys(value).length === 0) members.add(`${path}: {}`);
  for (const [name, member] of Object.entries(value)) {
    const shown = isMap || !WORD.test(name) ? '*' : name;
    add(member, path === '' ? shown : `${path}.${shown}`, members);
  }
}

/**
 * Finds the responses in the output of a command with SORACOM_VERBOSE.
 *
 * @param {string} text
 * @returns {{ target: string, host: string, status: string, date: string | undefined, body: unknown }[]}
 */
export function dumpedResponses(text) {
  const pairs = text.matchAll(
    /^--- Request dump -+\n(?<method>[A-Z]+) (?<path>\S+) HTTP\/1\.1\nHost: (?<host>\S+)\n[^]*?^--- Response dump -+\nHTTP\/1\.1 (?<status>\d+)[^\n]*\n(?<head>[^]*?)\n\n(?<body>[^]*?)\n--- End of response dump/gm,
  );
  return [...pairs].map(({ groups = {} }) => ({
    target: `${groups.method} ${groups.path?.replace(/\/sims\/[^/]+/, '/sims/*')}`,
    host: groups.host ?? '',
    status: groups.status ?? '',
    date: /^date: (.+)$/im.exec(groups.head ?? '')?.[1],
    body: parsed(groups.body ?? ''),
  }));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Describes the difference between a server's clock and this machine's.
 *
 * @param {string | undefined} date a Date header, which has whole seconds
 * @param {number} now Unix milliseconds at which the response arrived
 * @returns {string}
 */
export function clockDifference(date, now) {
  const server = Date.parse(date ?? '');
  if (Number.isNaN(server)) return 'unknown, because the response has no Date header';
  // On average, a Date header is half a second old.
  const seconds = (server + 500 - now) / 1000;
  return `${seconds >= 0 ? '+' : ''}${seconds.toFixed(1)} s (the server's clock minus this machine's, to about 1 s)`;
}
