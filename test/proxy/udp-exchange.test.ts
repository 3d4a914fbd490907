import type { DatagramChannel } from '../../src/proxy/datagram-dialer.js';
import { exchangeUdp } from '../../src/proxy/udp-exchange.js';

const TARGET = { host: '100.127.69.42', port: 23080 };
const MESSAGE = new TextEncoder().encode('21.5');

class FakeChannel implements DatagramChannel {
  readonly maxPayload = 100;
  readonly dropped = 0;
  readonly calls: unknown[] = [];
  receiving: Promise<Uint8Array | undefined> = Promise.resolve(undefined);

  send(payload: Uint8Array): void {
    this.calls.push(['send', new TextDecoder().decode(payload)]);
  }

  receive(timeout: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    this.calls.push(['receive', timeout, signal]);
    return this.receiving;
  }

  close(): void {
    this.calls.push(['close']);
  }
}

it('sends once, waits for its timeout, and closes', async () => {
  const channel = new FakeChannel();
  const { signal } = new AbortController();
  const answer = new Uint8Array([1]);
  channel.receiving = Promise.resolve(answer);
  const opened: unknown[] = [];
  const open = (...parameters: unknown[]) => {
    opened.push(parameters);
    return Promise.resolve(channel);
  };
  expect(await exchangeUdp({ open }, TARGET, MESSAGE, { timeout: 7, signal })).toBe(answer);
  expect(opened).toEqual([[TARGET, signal]]);
  expect(channel.calls).toEqual([['send', '21.5'], ['receive', 7, signal], ['close']]);
});

it('closes after a failure, too', async () => {
  const channel = new FakeChannel();
  channel.receiving = Promise.reject(new Error('refused'));
  const open = () => Promise.resolve(channel);
  await expect(exchangeUdp({ open }, TARGET, MESSAGE, { timeout: 7 })).rejects.toThrow('refused');
  expect(channel.calls.at(-1)).toEqual(['close']);
});
