import { once } from 'node:events';
import { request as openRequest } from 'node:http';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';

import type { Message } from '../../../src/emulator/messages.js';
import { MAX_DOWNLINKS } from '../../../src/emulator/page/downlink.js';
import { MAX_VIEWERS } from '../../../src/emulator/page/viewers.js';
import type { DatagramChannel } from '../../../src/proxy/datagram-dialer.js';
import { DialError, type DialTarget } from '../../../src/proxy/dialer.js';
import { until } from '../../support/until.js';
import { ApiHarness } from '../api/api-harness.js';

let api: ApiHarness;
const closing: (() => void)[] = [];

beforeEach(async () => {
  api = await new ApiHarness().open();
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await api.close();
});

const message = (simId: string, body = 'x'): Message => ({
  protocol: 'udp',
  simId,
  at: '2026-01-02T03:04:05.000Z',
  body,
  bodyEncoding: 'utf8',
  bytes: body.length,
  truncated: false,
});

interface Events {
  text: string;
  isClosed: boolean;
}

/** Opens the event stream, and collects what arrives. */
function openEvents(): Promise<Events> {
  const events = { text: '', isClosed: false };
  return new Promise((resolve, reject) => {
    const request = openRequest(`${api.base}/emulator/events`, (response) => {
      response.setEncoding('utf8').on('data', (text: string) => {
        events.text += text;
        resolve(events);
      });
      response.on('error', () => undefined).on('close', () => (events.isClosed = true));
      if (response.statusCode !== 200) reject(new Error(String(response.statusCode)));
    });
    request.on('error', reject).end();
    closing.push(() => request.destroy());
  });
}

/** The status of a request with these fields, which fetch() does not allow to set. */
function statusOf(method: string, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = openRequest(api.base + path, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject).end(method === 'POST' ? '{}' : undefined);
  });
}

const JSON_TYPE = { 'Content-Type': 'application/json' };
const PATHS = ['/', '/emulator/page.js', '/emulator/page.css', '/emulator/events'];

describe('the files', () => {
  it.each([
    ['/', 'text/html'],
    ['/emulator/page.js', 'text/javascript'],
    ['/emulator/page.css', 'text/css'],
  ])('%s is %s, and allows nothing but itself', async (path, type) => {
    const { status, headers, text } = await api.request('GET', path);
    expect([status, headers.get('content-type')]).toEqual([200, `${type}; charset=utf-8`]);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(text).not.toMatch(/https?:\/\//);
    expect(text).not.toMatch(/ style=| on[a-z]+=/);
  });

  it('show the state without a script', async () => {
    const simId = await api.createSim();
    api.messages.add(message(simId, 'hello'));
    const { text } = await api.request('GET', '/');
    expect(text).toContain(`<option value="${simId}">`);
    expect(text).toContain('<pre>hello</pre>');
    expect(text).toContain('<code>127.0.0.1:11010</code>');
  });

  it('answer HEAD, and refuse other methods', async () => {
    for (const path of PATHS) {
      expect((await api.request('HEAD', path)).status).toBe(200);
      expect((await api.post(path, {})).status).toBe(405);
    }
    expect((await api.request('GET', '/emulator/downlink')).status).toBe(405);
  });
});

describe('the checks of requests from browsers', () => {
  it.each([
    ['a name that was rebound to this machine', { Host: 'attacker.example' }, 421],
    ['a page of another site', { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['a page of another port', { 'Sec-Fetch-Site': 'same-site' }, 403],
    ['another origin', { Origin: 'http://attacker.example' }, 403],
  ])('refuse %s', async (_name, fields, status) => {
    for (const path of PATHS) expect(await statusOf('GET', path, { ...fields })).toBe(status);
    const post = await statusOf('POST', '/emulator/downlink', { ...JSON_TYPE, ...fields });
    expect(post).toBe(status);
  });

  it('allow the page itself', async () => {
    const own = { Origin: api.base, 'Sec-Fetch-Site': 'same-origin' };
    expect(await statusOf('POST', '/emulator/downlink', { ...JSON_TYPE, ...own })).toBe(400);
  });

  it('refuse a form, which a page of any origin could submit', async () => {
    const headers = { 'Content-Type': 'text/plain' };
    expect(await statusOf('POST', '/emulator/downlink', headers)).toBe(415);
  });
});

describe('the events', () => {
  it('begin with the current state', async () => {
    const simId = await api.createSim();
    api.messages.add(message(simId, 'one'));
    const events = await openEvents();
    expect(events.text).toMatch(
      /^event: sims\ndata: \{"rows":.*\}\n\nevent: messages\ndata: .*\n\n$/,
    );
    expect(events.text).toContain(simId);
    expect(events.text).toContain('<pre>one</pre>');
  });

  it('contain each new message, and changes of the SIMs', async () => {
    const events = await openEvents();
    const simId = await api.createSim();
    api.messages.add(message(simId, 'a'));
    api.messages.add(message(simId, 'b\nevent: fake'));
    await until(() => events.text.includes('event: news'));
    // Both arrived in one event, because they came together.
    const [, , news] = events.text.split('\n\n');
    expect(news).toContain('<pre>a</pre>');
    expect(news).toContain(`"summary":"UDP 23080 from ${simId}"`);
    expect(events.text).not.toContain('\nevent: fake');
    await until(() => events.text.split('event: sims').length === 3);
    expect(events.text.split('event: sims')[2]).toContain(simId);
  });

  it('are limited to a number of pages, and a closed page makes room', async () => {
    for (let count = 0; count < MAX_VIEWERS; count++) await openEvents();
    await expect(openEvents()).rejects.toThrow('503');
    closing.shift()?.();
    await until(async () => (await openEvents().catch(() => undefined)) !== undefined);
  });

  it('do not wait behind each other on one connection', async () => {
    const client = connect(api.port, '127.0.0.1');
    const request = 'GET /emulator/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    client.write(request.repeat(MAX_VIEWERS + 1));
    await once(client, 'data');
    client.destroy();
    const opens = async () => (await openEvents().catch(() => undefined)) !== undefined;
    for (let count = 0; count < MAX_VIEWERS; count++) await until(opens);
  });

  it('end when the server closes', async () => {
    const events = await openEvents();
    await api.close();
    await until(() => events.isClosed);
  });
});

/** A stream that reports unacknowledged bytes, and answers in upper case. */
class UpperCase extends PassThrough {
  readonly unacknowledgedBytes = 0;
  override _transform(chunk: Buffer, _encoding: string, done: (error: null, data: string) => void) {
    done(null, chunk.toString().toUpperCase());
    this.end();
  }
}

describe('a downlink', () => {
  const targets: DialTarget[] = [];
  const sent: Uint8Array[] = [];
  let simId: string;

  beforeEach(async () => {
    targets.length = sent.length = 0;
    simId = await api.createSim();
    api.arc.handshake = api.wallClock.now;
    api.arc.dialer = {
      dial: (target) => {
        targets.push(target);
        return Promise.resolve(new UpperCase());
      },
    };
  });

  function answerDatagrams(receive: DatagramChannel['receive']): void {
    const channel = {
      maxPayload: 1392,
      send: (payload: Uint8Array) => void sent.push(payload),
      receive,
      close: () => undefined,
    };
    api.arc.datagramDialer = {
      open: (target) => {
        targets.push(target);
        return Promise.resolve(channel);
      },
    };
  }

  const send = (fields: object) =>
    api.post('/emulator/downlink', {
      simId,
      protocol: 'udp',
      port: 5000,
      payload: 'hi',
      ...fields,
    });

  it('goes over TCP to the SIM, and returns the answer', async () => {
    const { status, body } = await send({ protocol: 'tcp', port: 80 });
    expect(status).toBe(200);
    const answer = { body: 'HI', bodyEncoding: 'utf8', bytes: 2, truncated: false };
    expect(body).toEqual({ bytes: 2, host: '10.0.0.2', port: 80, answer });
    expect(targets).toEqual([{ host: '10.0.0.2', port: 80 }]);
  });

  it('goes over UDP, in hexadecimal if requested', async () => {
    answerDatagrams(() => Promise.resolve(Uint8Array.of(0xff)));
    const { body } = await send({ payload: 'FF 00\n1a', payloadEncoding: 'hex' });
    expect(body).toMatchObject({ bytes: 3, answer: { body: '/w==', bodyEncoding: 'base64' } });
    expect(sent.map((bytes) => [...bytes])).toEqual([[0xff, 0, 0x1a]]);
  });

  it('may have no answer', async () => {
    answerDatagrams(() => Promise.resolve(undefined));
    expect((await send({})).body).toMatchObject({ answer: null });
  });

  it.each([
    [{ port: 0 }, 'The body is malformed: port'],
    [{ port: 65_536 }, 'port'],
    [{ port: '80' }, 'port'],
    [{ protocol: 'sctp' }, 'protocol'],
    [{ more: 1 }, 'more'],
    [{ payload: 'abc', payloadEncoding: 'hex' }, 'pairs of hex digits'],
    [{ payload: 'xx', payloadEncoding: 'hex' }, 'pairs of hex digits'],
  ])('is refused with %j', async (fields, reason) => {
    const { status, body } = await send(fields);
    expect(status).toBe(400);
    expect(body.message).toContain(reason);
  });

  it('is refused if the body is not JSON', async () => {
    expect((await api.send('POST', '/emulator/downlink', '{')).status).toBe(400);
    const large = { payload: 'x'.repeat(65_536) };
    expect((await send(large)).status).toBe(413);
  });

  it('is refused if the SIM is unknown, offline, or was never connected', async () => {
    expect((await send({ simId: '1' })).status).toBe(404);
    api.arc.handshake = undefined;
    expect((await send({})).body).toMatchObject({
      message: 'The SIM has not connected to the Arc server yet.',
    });
    api.state.sims.deleteSession(api.state.sims.get(simId)!);
    expect(await send({})).toMatchObject({ status: 400, body: { code: 'SEM0016' } });
    expect(targets).toEqual([]);
  });

  it.each([
    ['the port is closed', new DialError('refused', 'x')],
    ['the SIM is not answering', new DialError('no-handshake', 'x')],
    ['the SIM is not answering', new DialError('timeout', 'x')],
    ['the target is unreachable', new DialError('unreachable', 'the target is unreachable')],
    ['the datagram is too long', new RangeError('the datagram is too long')],
  ])('reports that %s', async (reason, error) => {
    answerDatagrams(() => Promise.reject(error));
    const { status, body } = await send({});
    expect([status, body.message]).toEqual([502, `The downlink failed: ${reason}.`]);
  });

  it('is refused while too many are in progress', async () => {
    const waiting: ((answer: undefined) => void)[] = [];
    answerDatagrams(() => new Promise((resolve) => waiting.push(resolve)));
    const all = Array.from({ length: MAX_DOWNLINKS }, () => send({}));
    await until(() => waiting.length === MAX_DOWNLINKS);
    expect((await send({})).status).toBe(503);
    for (const end of waiting) end(undefined);
    await Promise.all(all);
    answerDatagrams(() => Promise.resolve(undefined));
    expect((await send({})).status).toBe(200);
  });
});
