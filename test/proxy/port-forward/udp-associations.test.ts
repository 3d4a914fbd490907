import { jest } from '@jest/globals';

import { DialError } from '../../../src/proxy/dialer.js';
import { ForwardCounters } from '../../../src/proxy/port-forward/forward-counters.js';
import {
  type FlowHandlers,
  UDP_IDLE_TIMEOUT,
  UdpAssociations,
} from '../../../src/proxy/port-forward/udp-associations.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

/** A flow to the target, as the test controls it. */
class Flow {
  readonly sent: string[] = [];
  isClosed = false;
  isFull = false;
  end: Error | undefined;
  resolve: () => void = () => undefined;
  reject: (error: Error) => void = () => undefined;
  signal: AbortSignal | undefined;
  handlers!: FlowHandlers;

  send(payload: Uint8Array): boolean {
    if (this.end !== undefined) throw this.end;
    if (!this.isFull) this.sent.push(Buffer.from(payload).toString());
    return !this.isFull;
  }

  close(): void {
    this.isClosed = true;
  }
}

let log: RecordingLog;
let flows: Flow[];
let counters: ForwardCounters;
let replies: string[];

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  log = new RecordingLog();
  flows = [];
  replies = [];
  counters = new ForwardCounters('local');
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function associations(most?: number): UdpAssociations {
  return new UdpAssociations({
    ...{ counters, log, most },
    target: 'one.test:53',
    open: (handlers, signal) => {
      const flow = new Flow();
      Object.assign(flow, { handlers, signal });
      flows.push(flow);
      return new Promise((resolve, reject) => {
        flow.resolve = () => resolve(flow);
        flow.reject = reject;
      });
    },
  });
}

function ask(all: UdpAssociations, client: string, text: string): void {
  all.handle(client, Buffer.from(text), (payload) => {
    replies.push(`${client} ${Buffer.from(payload).toString()}`);
    return true;
  });
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

it('has a flow for each client, and keeps datagrams until the flow is open', async () => {
  const all = associations();
  ask(all, 'a', '1');
  ask(all, 'a', '2');
  ask(all, 'b', '3');
  expect(flows).toHaveLength(2);
  for (const flow of flows) flow.resolve();
  await settle();
  ask(all, 'a', '4');
  expect(flows.map(({ sent }) => sent)).toEqual([['1', '2', '4'], ['3']]);
  flows[1]!.handlers.onDatagram(Buffer.from('x'));
  flows[0]!.handlers.onDatagram(Buffer.from('yy'));
  expect(replies).toEqual(['b x', 'a yy']);
  expect(counters.totals()).toEqual({
    ...{ connections: 2, active: 2, failures: 0, dropped: 0 },
    ...{ sentBytes: 4, receivedBytes: 3 },
  });
  all.close();
  expect(flows.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  expect(counters.active).toBe(0);
});

it('counts the bytes of a remote forward in the direction of the tunnel', async () => {
  counters = new ForwardCounters('remote');
  const all = associations();
  ask(all, 'a', 'from inside');
  flows[0]!.resolve();
  await settle();
  flows[0]!.handlers.onDatagram(Buffer.from('out'));
  expect(counters.totals()).toMatchObject({ sentBytes: 3, receivedBytes: 11 });
  all.close();
});

it('ends an association after 60 s without a datagram in either direction', async () => {
  const all = associations();
  ask(all, 'a', '1');
  flows[0]!.resolve();
  await settle();
  jest.advanceTimersByTime(UDP_IDLE_TIMEOUT - 1);
  flows[0]!.handlers.onDatagram(Buffer.from('x'));
  jest.advanceTimersByTime(UDP_IDLE_TIMEOUT - 1);
  ask(all, 'a', '2');
  jest.advanceTimersByTime(UDP_IDLE_TIMEOUT - 1);
  expect(flows[0]!.isClosed).toBe(false);
  jest.advanceTimersByTime(1);
  expect(flows[0]!.isClosed).toBe(true);
  ask(all, 'a', '3');
  expect(flows).toHaveLength(2);
  all.close();
});

it('drops the least recently used association at the limit', async () => {
  const all = associations(2);
  ask(all, 'a', '1');
  ask(all, 'b', '2');
  for (const flow of flows) flow.resolve();
  await settle();
  ask(all, 'a', '3');
  ask(all, 'c', '4');
  expect(flows.map(({ isClosed }) => isClosed)).toEqual([false, true, false]);
  expect(counters.active).toBe(2);
  all.close();
});

it('limits the datagrams that wait for a flow, in number and in bytes', async () => {
  const all = associations();
  for (let index = 0; index < 20; index++) ask(all, 'a', String(index));
  expect(counters.dropped).toBe(4);
  flows[0]!.resolve();
  await settle();
  expect(flows[0]!.sent).toHaveLength(16);
  const large = 'x'.repeat(60_000);
  for (let client = 0; client < 20; client++) ask(all, `client ${client}`, large);
  // 1 MiB holds 17 of them.
  expect(counters.dropped).toBe(4 + 3);
  // The bytes are free again after their flow has opened.
  flows[1]!.resolve();
  await settle();
  ask(all, 'client 19', large);
  expect(counters.dropped).toBe(4 + 3);
  all.close();
  expect(counters.dropped).toBe(4 + 20);
});

it('counts a datagram that the flow does not take, and keeps the association', async () => {
  const all = associations();
  ask(all, 'a', '1');
  flows[0]!.resolve();
  await settle();
  flows[0]!.isFull = true;
  ask(all, 'a', '2');
  expect(counters.totals()).toMatchObject({ dropped: 1, failures: 0, active: 1, sentBytes: 1 });
  all.close();
});

it('ends the association after an ICMP error, and opens another for the next datagram', async () => {
  const all = associations();
  ask(all, 'a', '1');
  flows[0]!.resolve();
  await settle();
  flows[0]!.handlers.onError(new DialError('refused', 'the port is closed'));
  expect(flows[0]!.isClosed).toBe(true);
  expect(log.lines).toMatchObject([
    {
      level: 'warn',
      fields: { reason: 'refused', client: 'a', target: 'one.test:53' },
      message: 'cannot send to the target: the port is closed',
    },
  ]);
  expect(counters.totals()).toMatchObject({ failures: 1, active: 0 });
  flows[0]!.handlers.onDatagram(Buffer.from('late'));
  expect(replies).toEqual([]);
  ask(all, 'a', '2');
  expect(flows).toHaveLength(2);
  all.close();
});

it('ends the association if the flow cannot be opened, or has ended', async () => {
  const all = associations();
  ask(all, 'a', '1');
  flows[0]!.reject(new DialError('no-route', 'outside'));
  await settle();
  expect(counters.totals()).toMatchObject({ failures: 1, active: 0, dropped: 1 });
  ask(all, 'a', '2');
  flows[1]!.resolve();
  await settle();
  flows[1]!.end = new DialError('unreachable', 'the address is gone');
  ask(all, 'a', '3');
  expect(counters.totals()).toMatchObject({ failures: 2, active: 0, dropped: 2 });
  all.close();
});

it('closes a flow that opens after the end, and ignores datagrams after the end', async () => {
  const all = associations();
  ask(all, 'a', '1');
  all.close();
  expect(flows[0]!.signal?.aborted).toBe(true);
  flows[0]!.resolve();
  await settle();
  expect(flows[0]!.isClosed).toBe(true);
  ask(all, 'b', '2');
  expect(flows).toHaveLength(1);
  expect(log.lines).toEqual([]);
});
