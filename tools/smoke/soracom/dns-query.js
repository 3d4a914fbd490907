/** One DNS query over UDP inside the tunnel, with the whole response of the name server. */
import { randomInt } from 'node:crypto';

import dnsPacket from 'dns-packet';

import { orAborted, pause } from '../steps.js';

const PORT = 53;
const RESPONSE_LIMIT = 3_000;
/** A datagram can be lost. */
const ATTEMPTS = 2;

/**
 * @param {Pick<import('../../../src/index.js').UserspaceTunnel, 'createUdpSocket'>} tunnel
 * @param {{ server: string, name: string, type: 'A' | 'AAAA' }} query
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the response, without its ID
 * @throws {Error} if the server does not answer
 */
export async function askNameServer(tunnel, { server, name, type }, signal) {
  const id = randomInt(0x10000);
  const question = /** @type {const} */ ({ type, name, class: 'IN' });
  const flags = dnsPacket.RECURSION_DESIRED;
  const query = dnsPacket.encode({ type: 'query', id, flags, questions: [question] });
  /** @type {(text: string) => void} */
  let answered = () => {};
  /** @type {Promise<string>} */
  const answer = new Promise((resolve) => (answered = resolve));
  const started = performance.now();
  const socket = tunnel.createUdpSocket((payload) => {
    const text = responseText(payload, id);
    if (text !== undefined) answered(`${text}, ${(performance.now() - started).toFixed(0)} ms`);
  });
  socket.on('error', () => undefined);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      socket.send(query, PORT, server);
      const late = pause(RESPONSE_LIMIT, signal).then(() => undefined);
      late.catch(() => undefined);
      const text = await orAborted(Promise.race([answer, late]), signal);
      if (text !== undefined) return text;
    }
    throw new Error(`${server} did not answer`);
  } finally {
    socket.close();
  }
}

/**
 * @param {Buffer} payload
 * @param {number} id
 * @returns {string | undefined} undefined if this is not the response
 */
export function responseText(payload, id) {
  try {
    const response = dnsPacket.decode(payload);
    if (response.id !== id || response.type !== 'response') return undefined;
    const { rcode } = /** @type {{ rcode?: string }} */ (response);
    const flags = [
      response.flag_aa ? 'authoritative' : '',
      response.flag_ra ? 'recursion available' : '',
      response.flag_tc ? 'truncated' : '',
    ].filter((flag) => flag !== '');
    const answers = (response.answers ?? []).map(recordText);
    return [rcode ?? 'unknown status', ...flags, ...answers, `${payload.length} bytes`].join(', ');
  } catch {
    return undefined;
  }
}

function recordText(record) {
  if (record.type !== 'A' && record.type !== 'AAAA' && record.type !== 'CNAME') return record.type;
  return `${record.type} ${record.data} (TTL ${record.ttl} s)`;
}
