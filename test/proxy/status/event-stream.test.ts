import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import { EventStream } from '../../../src/proxy/status/event-stream.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { until } from '../../support/until.js';

/** The part of a response that events need. */
class FakeResponse extends EventEmitter {
  status = 0;
  headers: Readonly<Record<string, string>> = {};
  readonly written: string[] = [];
  writableNeedDrain = false;
  isEnded = false;
  destroyed = false;

  writeHead(status: number, headers: Readonly<Record<string, string>>): this {
    this.status = status;
    this.headers = headers;
    return this;
  }

  write(text: string): boolean {
    this.written.push(text);
    return true;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
}

let clock: FakeClock;
let views: number;
/** The next views; the second argument of each answers. */
let view: () => Promise<object>;
beforeEach(() => {
  clock = new FakeClock();
  views = 0;
  view = () => Promise.resolve({ number: ++views });
});

const settle = () => new Promise((resolve) => setImmediate(resolve));
const events = () => new EventStream({ view: () => view(), clock });

function listen(to: EventStream, method = 'GET'): FakeResponse {
  const response = new FakeResponse();
  const request = { method } as unknown as IncomingMessage;
  to.handle(request, response as unknown as ServerResponse);
  return response;
}

async function second(): Promise<void> {
  clock.advance(1_000);
  await settle();
}

it('sends a view at once and every second, only while a page listens', async () => {
  const all = events();
  await second();
  expect([views, clock.armed]).toEqual([0, 0]);
  const page = listen(all);
  await settle();
  expect(page.status).toBe(200);
  expect(page.headers['Content-Type']).toBe('text/event-stream; charset=utf-8');
  expect(page.written).toEqual(['retry: 2000\n\n', 'data: {"number":1}\n\n']);
  await second();
  await second();
  expect(page.written.slice(2)).toEqual(['data: {"number":2}\n\n', 'data: {"number":3}\n\n']);
  page.destroy();
  expect([all.size, clock.armed]).toEqual([0, 0]);
  await second();
  expect(views).toBe(3);
});

it('computes one view for all pages', async () => {
  const all = events();
  const pages = [listen(all), listen(all)];
  await settle();
  await second();
  expect(views).toBe(2);
  expect(pages.map(({ written }) => written.at(-1))).toEqual([
    'data: {"number":2}\n\n',
    'data: {"number":2}\n\n',
  ]);
});

it('sends heartbeats while a view is not ready', async () => {
  let answer: (value: object) => void = () => undefined;
  view = () => new Promise((resolve) => (answer = resolve));
  const page = listen(events());
  await second();
  await second();
  expect(page.written.slice(1)).toEqual(Array(2).fill(': waiting\n\n'));
  answer({});
  await settle();
  expect(page.written.at(-1)).toBe('data: {}\n\n');
});

it('writes nothing to a page that does not read, and drops it after 30 s', async () => {
  const all = events();
  const [stopped, other] = [listen(all), listen(all)];
  await settle();
  stopped.writableNeedDrain = true;
  for (let count = 0; count < 30; count++) await second();
  expect([stopped.written.length, stopped.destroyed]).toEqual([2, false]);
  await second();
  expect(stopped.destroyed).toBe(true);
  expect(other.written.length).toBe(33);
  expect(all.size).toBe(1);
});

it('keeps a page that reads slowly', async () => {
  const all = events();
  const page = listen(all);
  await settle();
  for (let count = 0; count < 100; count++) {
    page.writableNeedDrain = count % 20 !== 0;
    await second();
  }
  expect([page.destroyed, page.written.length]).toEqual([false, 7]);
});

it('bounds the number of pages', () => {
  const all = events();
  for (let count = 1; count < 16; count++) listen(all);
  const page = listen(all);
  const refused = listen(all);
  expect([refused.status, refused.isEnded]).toEqual([503, true]);
  page.destroy();
  expect(listen(all).status).toBe(200);
});

it('does not keep a stream that waits behind another one on its connection', async () => {
  const all = events();
  const server = createServer((request, response) => all.handle(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(17));
  await once(client, 'data');
  client.destroy();
  await until(() => all.size === 0);
  server.close();
});

it('does not keep a stream whose connection is closed', () => {
  const all = events();
  const response = new FakeResponse();
  response.destroyed = true;
  all.handle(
    { method: 'GET' } as unknown as IncomingMessage,
    response as unknown as ServerResponse,
  );
  expect([all.size, clock.armed]).toEqual([0, 0]);
});

it('answers HEAD with the headers only', () => {
  const all = events();
  const page = listen(all, 'HEAD');
  expect([page.status, page.isEnded, all.size, clock.armed]).toEqual([200, true, 0, 0]);
});

it('ends all streams when it is closed, and accepts no more', async () => {
  const all = events();
  const page = listen(all);
  await settle();
  all.close();
  expect([page.destroyed, all.size, clock.armed]).toEqual([true, 0, 0]);
  expect(listen(all).status).toBe(503);
});

it('does not continue after it was closed during a view', async () => {
  let answer: (value: object) => void = () => undefined;
  view = () => new Promise((resolve) => (answer = resolve));
  const all = events();
  const page = listen(all);
  all.close();
  answer({});
  await settle();
  expect(page.written).toEqual(['retry: 2000\n\n']);
});
