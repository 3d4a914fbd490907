/** One request of a spool, over new and reused connections. */
import { jest } from '@jest/globals';

import { KeptConnections } from '../../../src/proxy/http/target/kept-connections.js';
import { sendRequest } from '../../../src/proxy/spool/send-request.js';
import { failing, OK, until } from '../support/forwarding.js';
import { KeepableDialer } from '../support/keepable.js';

const TARGET = { host: '100.127.69.42', port: 80 };
const REQUEST = 'POST / HTTP/1.1\r\nHost: 100.127.69.42\r\nContent-Length: 1\r\n\r\na';

let dialer: KeepableDialer;
let kept: KeptConnections;
beforeEach(() => {
  dialer = new KeepableDialer();
  kept = new KeptConnections({ resends: true });
});
afterEach(() => kept.close());

function send({ timeout = 5_000, signal }: { timeout?: number; signal?: AbortSignal } = {}) {
  const options = { dialer, kept, timeout, ...(signal && { signal }) };
  return sendRequest({ target: TARGET, request: Buffer.from(REQUEST) }, options);
}

/** Sends a request whose connection is kept. */
async function sendFirst(): Promise<void> {
  const sending = send();
  const target = await dialer.side(0);
  expect(await target.request()).toBe(REQUEST);
  target.respond(OK);
  expect(await sending).toEqual({ kind: 'answered', status: 200 });
}

it('reuses the connection, in one write, and expects an answer', async () => {
  await sendFirst();
  const sending = send();
  const [target] = dialer.sides;
  expect(await target!.request()).toBe(REQUEST);
  expect(target!.expected).toBe(1);
  target!.respond(OK.replace('200', '503'));
  expect(await sending).toEqual({ kind: 'answered', status: 503 });
  expect(dialer.sides).toHaveLength(1);
});

it.each([
  ['the response closes it', OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')],
  ['the response is HTTP/1.0', OK.replace('1.1', '1.0')],
])('dials again if %s', async (_, response) => {
  const sending = send();
  (await dialer.side(0)).respond(response);
  await sending;
  const next = send();
  (await dialer.side(1)).respond(OK);
  expect(await next).toMatchObject({ kind: 'answered' });
});

it('is unsent if a reused connection proves that the request is unread', async () => {
  await sendFirst();
  const sending = send();
  await dialer.sides[0]!.request();
  dialer.sides[0]!.resetUnread();
  expect(await sending).toEqual({ kind: 'unsent', message: 'ECONNRESET' });
});

it('is lost if a reused connection ends without the proof', async () => {
  await sendFirst();
  const sending = send();
  await dialer.sides[0]!.request();
  dialer.sides[0]!.destroy(new Error('ECONNRESET'));
  expect(await sending).toEqual({ kind: 'lost', message: 'ECONNRESET' });
});

it.each([
  ['no response', 1, ''],
  ['the head of a response', 0, 'HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n'],
])('reports a connection that was lost after %s', async (_, reports, response) => {
  const lost = jest.spyOn(kept, 'lost');
  await sendFirst();
  const sending = send();
  await dialer.sides[0]!.request();
  dialer.sides[0]!.respond(response);
  await new Promise(setImmediate);
  dialer.sides[0]!.destroy(new Error('ECONNRESET'));
  await sending;
  expect(lost).toHaveBeenCalledTimes(reports);
});

it('is lost in spite of the proof if the user forbids to send again', async () => {
  kept = new KeptConnections({ resends: false });
  await sendFirst();
  const sending = send();
  await dialer.sides[0]!.request();
  dialer.sides[0]!.resetUnread();
  expect(await sending).toMatchObject({ kind: 'lost' });
});

it('is lost if a new connection ends, even with the proof', async () => {
  const sending = send();
  const target = await dialer.side(0);
  await target.request();
  target.resetUnread();
  expect(await sending).toMatchObject({ kind: 'lost' });
});

it('is answered if the response breaks off after its head', async () => {
  const sending = send();
  const target = await dialer.side(0);
  target.respond('HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\npart');
  target.push(null);
  expect(await sending).toEqual({ kind: 'answered', status: 201 });
});

it('is answered if it is aborted after the head of the response', async () => {
  const stop = new AbortController();
  const sending = send({ signal: stop.signal });
  const target = await dialer.side(0);
  target.respond('HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\npart');
  await until(() => target.readableLength === 0 && target.readableFlowing === true);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error('stop'));
  expect(await sending).toEqual({ kind: 'answered', status: 201 });
  expect(target.destroyed).toBe(true);
});

it('does not wait for the end of a response that never ends', async () => {
  const sending = send({ timeout: 200 });
  const target = await dialer.side(0);
  target.respond('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  const timer = setInterval(() => target.respond('1\r\na\r\n'), 10);
  expect(await sending).toEqual({ kind: 'answered', status: 200 });
  clearInterval(timer);
  expect(target.destroyed).toBe(true);
});

it('does not wait for a response after interim responses that never end', async () => {
  const sending = send({ timeout: 200 });
  const target = await dialer.side(0);
  const timer = setInterval(() => target.respond('HTTP/1.1 102 Processing\r\n\r\n'), 5);
  expect(await sending).toMatchObject({ kind: 'lost' });
  clearInterval(timer);
  expect(target.destroyed).toBe(true);
});

it('is unsent if the dial fails', async () => {
  const options = { dialer: failing('refused'), kept, timeout: 5_000 };
  const message = { target: TARGET, request: Buffer.from(REQUEST) };
  expect(await sendRequest(message, options)).toEqual({
    kind: 'unsent',
    message: 'because refused',
  });
});

it.each([
  ['without a response in time', undefined],
  ['with a response that is not HTTP', 'SSH-2.0\r\n\r\n'],
])('is lost %s', async (_, response) => {
  const sending = send({ timeout: 50 });
  const target = await dialer.side(0);
  if (response !== undefined) target.respond(response);
  expect(await sending).toMatchObject({ kind: 'lost' });
  expect(target.destroyed).toBe(true);
});

it('is lost if it is aborted after it was sent', async () => {
  const stop = new AbortController();
  const sending = send({ signal: stop.signal });
  const target = await dialer.side(0);
  await target.request();
  stop.abort(new Error('stop'));
  expect(await sending).toEqual({ kind: 'lost', message: 'stop' });
  expect(target.destroyed).toBe(true);
});

it('is unsent if it is aborted before a reused connection is used', async () => {
  await sendFirst();
  const signal = AbortSignal.abort(new Error('stop'));
  expect(await send({ signal })).toEqual({ kind: 'unsent', message: 'stop' });
  expect(dialer.sides).toHaveLength(1);
  expect(dialer.sides[0]!.written).toEqual([]);
});

it('is unsent if it is aborted when a new connection is open, before it is used', async () => {
  const stop = new AbortController();
  const dial = dialer.dial.bind(dialer);
  dialer.dial = async () => {
    const side = await dial();
    stop.abort(new Error('stop'));
    return side;
  };
  expect(await send({ signal: stop.signal })).toEqual({ kind: 'unsent', message: 'stop' });
  expect(dialer.sides[0]!.written).toEqual([]);
  expect(dialer.sides[0]!.destroyed).toBe(true);
});
