/** The steps that send messages through a tunnel of the library, and what the answers look like. */
import { NotPossible, orAborted, pause } from '../steps.js';
import { exchange, headerOf } from './http-exchange.js';
import { IdleWatch } from './idle-connection.js';
import { clockDifference, shapeOf } from './shapes.js';

/** @typedef {import('./sim-run.js').SimRun} SimRun */
/** @typedef {import('../steps.js').Tools} Tools */
/** @typedef {import('../../../src/index.js').UserspaceTunnel} UserspaceTunnel */

/** The addresses in SORACOM's documentation. */
export const UNIFIED_ENDPOINT = '100.127.69.42';
export const METADATA = '100.127.100.127';
export const RAW_PORT = 23080;

const MESSAGE = '{"arctun":"smoke test"}';

/** The target does not have to respond over TCP and UDP. */
const RAW_LIMIT = 5_000;

/** The headers whose values are shown; of the others, only the names. */
const SHOWN_HEADERS = [
  'connection',
  'keep-alive',
  'server',
  'via',
  'content-type',
  'content-length',
  'transfer-encoding',
];

/**
 * @param {SimRun} run
 * @param {UserspaceTunnel} tunnel
 * @param {Tools} tools
 */
export async function sendHttp(run, tunnel, { note, signal }) {
  const { socket, connectTime } = await connect(tunnel, UNIFIED_ENDPOINT, 80, signal);
  note('TCP connection', milliseconds(connectTime));
  const { mss, sndShift, sack, timestamps } = socket.info() ?? {};
  note(
    'TCP of the server',
    `MSS ${mss}, window scale ${sndShift}, SACK ${sack}, timestamps ${timestamps}`,
  );
  const request = [
    'POST / HTTP/1.1',
    'Host: uni.soracom.io',
    'Content-Type: application/json',
    `Content-Length: ${MESSAGE.length}`,
    '',
    MESSAGE,
  ].join('\r\n');
  const first = await exchange(socket, request, signal);
  noteResponse(first, note);
  if (socket.readableEnded || socket.destroyed)
    note('second request', 'the server closed the connection');
  else {
    const second = await exchange(socket, request, signal);
    note(
      'second request on the connection',
      `${second.statusLine}, ${milliseconds(second.complete)}`,
    );
  }
  run.idle.http = new IdleWatch(socket);
  requireAccepted(first.status);
}

function noteResponse(response, note) {
  note('status line', response.statusLine);
  note('response complete after', milliseconds(response.complete));
  for (const name of SHOWN_HEADERS) note(name, headerOf(response, name) || '(no such header)');
  const others = response.headers.filter(([name]) => !SHOWN_HEADERS.includes(name.toLowerCase()));
  note('other headers', others.map(([name]) => name).join(', ') || '(no others)');
  note('clock of the server', clockDifference(headerOf(response, 'date'), Date.now()));
  note('body', `${response.body.length} bytes, framing: ${response.framing}`);
  if (response.body.length > 0) note('members of the body', shapeOfText(response.body).join(', '));
}

function requireAccepted(status) {
  if (status >= 200 && status < 300) return;
  const why = `the Unified Endpoint answered ${status}`;
  if (status >= 500) throw new Error(why);
  throw new NotPossible(
    `${why}: enable a service, such as SORACOM Harvest Data, in a group, and add --group GROUP_ID`,
  );
}

/**
 * @param {SimRun} run
 * @param {UserspaceTunnel} tunnel
 * @param {Tools} tools
 */
export async function sendTcp(run, tunnel, { note, signal }) {
  const { socket, connectTime } = await connect(tunnel, UNIFIED_ENDPOINT, RAW_PORT, signal);
  note('TCP connection', milliseconds(connectTime));
  const answer = nextEvent((receive) => socket.once('data', receive), signal);
  socket.write(MESSAGE);
  note('answer', answerText(await answer));
  run.idle.tcp = new IdleWatch(socket);
}

/**
 * @param {UserspaceTunnel} tunnel
 * @param {Tools} tools
 */
export async function sendUdp(tunnel, { note, signal }) {
  /** @type {(payload: Buffer) => void} */
  let receive = () => {};
  const socket = tunnel.createUdpSocket((payload) => receive(payload));
  try {
    const failed = new Promise((_resolve, reject) => socket.on('error', reject));
    const answer = nextEvent((listener) => (receive = listener), signal);
    socket.send(MESSAGE, RAW_PORT, UNIFIED_ENDPOINT);
    note('answer', answerText(await Promise.race([answer, failed])));
  } finally {
    socket.close();
  }
}

/**
 * @param {UserspaceTunnel} tunnel
 * @param {Tools} tools
 */
export async function readMetadata(tunnel, { note, signal }) {
  const { socket } = await connect(tunnel, METADATA, 80, signal);
  try {
    const request = 'GET /v1/subscriber HTTP/1.1\r\nHost: metadata.soracom.io\r\n\r\n';
    const response = await exchange(socket, request, signal);
    noteResponse(response, note);
    if (response.status >= 500) throw new Error(`the metadata service answered ${response.status}`);
    if (response.status >= 300) {
      throw new NotPossible(
        `the metadata service answered ${response.status}: enable it in a group, and add --group GROUP_ID`,
      );
    }
  } finally {
    socket.destroy();
  }
}

async function connect(tunnel, host, port, signal) {
  const started = performance.now();
  const socket = tunnel.connect({ host, port });
  // Later errors are the result of a step, or of closing the tunnel.
  socket.on('error', () => undefined);
  const connected = new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  await orAborted(connected, signal);
  socket.resume();
  return { socket, connectTime: performance.now() - started };
}

/** Resolves with the first value, or with undefined after RAW_LIMIT. */
function nextEvent(listen, signal) {
  const started = performance.now();
  const first = new Promise((resolve) => {
    listen((bytes) => resolve({ bytes, after: performance.now() - started }));
  });
  return Promise.race([first, pause(RAW_LIMIT, signal).then(() => undefined)]);
}

function answerText(answer) {
  if (answer === undefined) return `no answer within ${RAW_LIMIT / 1000} s`;
  const { bytes, after } = answer;
  return `${JSON.stringify(bytes.toString('latin1'))} (${bytes.length} bytes) after ${milliseconds(after)}`;
}

function shapeOfText(body) {
  try {
    return shapeOf(JSON.parse(body.toString('utf8')));
  } catch {
    return ['not JSON'];
  }
}

/** @param {number | undefined} value */
export function milliseconds(value) {
  return value === undefined ? 'unknown' : `${value.toFixed(0)} ms`;
}
