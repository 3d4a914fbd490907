/** The steps that use a tunnel of the library, which shows what the command hides. */
import { NotPossible, pause } from '../steps.js';
import { askNameServer } from './dns-query.js';
import { idleText } from './idle-connection.js';
import {
  METADATA,
  milliseconds,
  RAW_PORT,
  readMetadata,
  sendHttp,
  sendTcp,
  sendUdp,
  UNIFIED_ENDPOINT,
} from './message-steps.js';
import { requireSim } from './sim-steps.js';

/** @typedef {import('./sim-run.js').SimRun} SimRun */
/** @typedef {import('../steps.js').Step} Step */
/** @typedef {import('../../../src/index.js').UserspaceTunnel} UserspaceTunnel */

const LIBRARY = new URL('../../../dist/bundle/index.js', import.meta.url).href;

/** The addresses in SORACOM's documentation. */
const PONG = METADATA;
const NAME_SERVERS = ['100.127.0.53', '100.127.1.53'];

/** The headers of ICMP echo and IPv4. */
const PING_HEADERS = 28;
/** Sizes of packets that are tried if a packet as large as the MTU does not arrive. */
const SMALLER_PACKETS = [1400, 1380, 1360, 1280, 1200];

/** A keepalive with its headers outside the tunnel, over IPv4. */
const KEEPALIVE_BYTES = 60;

/**
 * @param {SimRun} run
 * @returns {Step[]}
 */
export function tunnelSteps(run) {
  return [
    step('Open a tunnel', 60, ({ note, signal }) => openTunnel(run, note, signal)),
    step('Look up names', 60, (tools) => lookUp(tunnelOf(run), tools)),
    step('Ping', 60, (tools) => ping(tunnelOf(run), tools)),
    step('Send packets as large as the MTU', 60, (tools) => sendLargePackets(tunnelOf(run), tools)),
    step('Send over HTTP', 60, (tools) => sendHttp(run, tunnelOf(run), tools)),
    step('Send over TCP', 60, (tools) => sendTcp(run, tunnelOf(run), tools)),
    step('Send over UDP', 60, (tools) => sendUdp(tunnelOf(run), tools)),
    step('Read the metadata service', 60, (tools) => readMetadata(tunnelOf(run), tools)),
    step('Wait until idle connections are closed', run.settings.idleLimit + 60, (tools) =>
      waitIdle(run, tools),
    ),
    {
      ...step('Close the tunnel', 30, ({ note }) => closeTunnel(run, note)),
      always: true,
    },
  ];
}

function step(title, limit, run) {
  return { title, limit, run };
}

/** @param {SimRun} run */
async function openTunnel(run, note, signal) {
  requireSim(run);
  // The library and the commands must share the time of the last handshake.
  process.env.STATE_DIRECTORY = run.stateFolder;
  const { createTunnel } = await import(LIBRARY);
  const started = performance.now();
  /** @type {UserspaceTunnel} */
  const tunnel = await createTunnel({ config: run.config, signal });
  run.tunnel = tunnel;
  note('first handshake complete after', milliseconds(performance.now() - started));
  const { mtu, addresses, peers } = await tunnel.status();
  for (const address of addresses) run.redaction.add('address of the SIM', address.split('/')[0]);
  const [peer] = peers;
  note('round trip of the handshake', milliseconds(peer?.roundTrip));
  note('MTU', mtu);
  note('keepalive interval', `${peer?.persistentKeepalive} s`);
  run.handshakes = 1;
  tunnel.on('handshake', () => run.handshakes++);
}

async function lookUp(tunnel, { note, signal }) {
  const ask = async (server, name, type) => {
    const text = await askNameServer(tunnel, { server, name, type }, signal);
    note(`${name} ${type} at ${server}`, text);
    return text;
  };
  const answers = [];
  for (const server of NAME_SERVERS) answers.push(await ask(server, 'uni.soracom.io', 'A'));
  const [server = ''] = NAME_SERVERS;
  await ask(server, 'uni.soracom.io', 'AAAA');
  await ask(server, 'metadata.soracom.io', 'A');
  await ask(server, 'arctun-smoke.invalid', 'A');
  const wrong = answers.some((text) => !text.includes(`A ${UNIFIED_ENDPOINT} `));
  if (wrong) throw new Error(`uni.soracom.io is not only ${UNIFIED_ENDPOINT}`);
}

async function ping(tunnel, { note, signal }) {
  const { rtt, ttl } = await tunnel.ping(PONG, { count: 5, signal });
  note('round trip', milliseconds(rtt));
  note('TTL', ttl);
}

async function sendLargePackets(tunnel, { note, signal }) {
  const { mtu } = await tunnel.status();
  const sizes = [mtu, ...SMALLER_PACKETS.filter((size) => size < mtu)];
  for (const size of sizes) {
    try {
      await tunnel.ping(PONG, { size: size - PING_HEADERS, count: 3, signal });
      note('largest packet that arrived in both directions', `${size} bytes`);
      if (size < mtu) throw new Error(`packets of ${mtu} bytes, the MTU, do not arrive`);
      return;
    } catch (error) {
      if (error.reason === undefined) throw error;
    }
  }
  throw new Error(`packets of ${SMALLER_PACKETS.at(-1)} bytes or more do not arrive`);
}

/** @param {SimRun} run */
async function waitIdle(run, { note, signal }) {
  const tunnel = tunnelOf(run);
  const limit = run.settings.idleLimit;
  const before = (await tunnel.status()).traffic;
  const started = performance.now();
  const [http, tcp] = await Promise.all([
    run.idle.http?.end(limit, signal),
    run.idle.tcp?.end(limit, signal),
  ]);
  if (http !== undefined) note('HTTP connection', idleText(http));
  if (tcp !== undefined) note(`TCP connection to port ${RAW_PORT}`, idleText(tcp));
  const rest = limit * 1000 - (performance.now() - started);
  if (rest > 0) await pause(rest, signal);
  const after = (await tunnel.status()).traffic;
  const keepalives = (way) =>
    (after[way].keepaliveBytes - before[way].keepaliveBytes) / KEEPALIVE_BYTES;
  note(
    'keepalives',
    `${keepalives('sent')} sent, ${keepalives('received')} received in ${limit} s`,
  );
  if (http === undefined) throw new NotPossible('no HTTP connection was opened');
  if (http.how === 'failed') throw new Error(`the HTTP connection was ${idleText(http)}`);
  run.idleEnd = http;
}

/** @param {SimRun} run */
async function closeTunnel(run, note) {
  const tunnel = tunnelOf(run);
  const { traffic, health } = await tunnel.status();
  note('health', health);
  note('handshakes', run.handshakes);
  note('traffic outside', `${traffic.sent.bytes} bytes sent, ${traffic.received.bytes} received`);
  note('of which TCP sent again', `${traffic.retransmittedBytes} bytes`);
  run.tunnel = undefined;
  await tunnel.close({ gracePeriod: 1_000 });
}

/** @param {SimRun} run */
function tunnelOf(run) {
  if (run.tunnel === undefined) throw new NotPossible('no tunnel was opened');
  return run.tunnel;
}
