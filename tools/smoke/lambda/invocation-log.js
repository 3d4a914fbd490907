/** Reads the durations in the log of an invocation (`aws lambda invoke --log-type Tail`). */

/** The times that the extension logs when its tunnel is ready, in ms after its start. */
const READY_TIMES = ['listenMs', 'registerMs', 'handshakeMs', 'readyMs'];

/**
 * @typedef {object} Invocation
 * @property {number | undefined} duration in ms
 * @property {number | undefined} billed in ms
 * @property {number | undefined} init in ms; undefined in an environment that was already running
 * @property {number | undefined} memory the most memory that was used, in MB
 * @property {Readonly<Record<string, number>>} ready the times of the extension; empty if not logged
 */

/**
 * @param {string} log
 * @returns {Invocation}
 */
export function readInvocation(log) {
  const report = log.split('\n').find((line) => line.startsWith('REPORT ')) ?? '';
  const value = (name) => {
    const found = new RegExp(`(?:^|\\t)${name}: ([\\d.]+) (?:ms|MB)`).exec(report)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  return {
    duration: value('Duration'),
    billed: value('Billed Duration'),
    init: value('Init Duration'),
    memory: value('Max Memory Used'),
    ready: readyTimes(log),
  };
}

function readyTimes(log) {
  for (const line of log.split('\n')) {
    const times = parsed(line);
    if (times?.msg !== 'ready') continue;
    const known = READY_TIMES.filter((name) => typeof times[name] === 'number');
    return Object.fromEntries(known.map((name) => [name, times[name]]));
  }
  return {};
}

function parsed(line) {
  try {
    const value = JSON.parse(line);
    return typeof value === 'object' ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Describes figures by their median and range.
 *
 * @param {readonly (number | undefined)[]} values
 * @param {string} unit
 * @returns {string}
 */
export function spread(values, unit) {
  const known = values.filter((value) => value !== undefined).sort((one, other) => one - other);
  if (known.length === 0) return 'unknown';
  const middle = known.length / 2;
  const median = (known[Math.ceil(middle) - 1] + known[Math.floor(middle)]) / 2;
  return `median ${median} ${unit}, from ${known[0]} to ${known.at(-1)} ${unit} (${known.length} values)`;
}
