import { Transmits } from '../../src/engine/transmits.js';

const here = { address: '192.0.2.1', port: 1 };
const there = { address: '192.0.2.2', port: 2 };

/** Adds a datagram of one byte for each number. */
function add(transmits: Transmits, ...numbers: readonly number[]): void {
  for (const number of numbers) transmits.add(Uint8Array.of(number), here, 0, false);
}

const numbers = (batch: readonly { bytes: Uint8Array }[]) => batch.map(({ bytes }) => bytes[0]);

it('returns each datagram once, in order, with its settings', () => {
  const transmits = new Transmits();
  expect(transmits.take()).toEqual([]);
  transmits.add(Uint8Array.of(1), here, 2, false);
  transmits.add(Uint8Array.of(2), there, 0, true);
  expect(transmits.length).toBe(2);
  expect(transmits.take()).toEqual([
    { bytes: Uint8Array.of(1), endpoint: here, trafficClass: 2, isSourceInDoubt: false },
    { bytes: Uint8Array.of(2), endpoint: there, trafficClass: 0, isSourceInDoubt: true },
  ]);
  expect(transmits.length).toBe(0);
  expect(transmits.take()).toEqual([]);
});

it('does not change a datagram before recycle()', () => {
  const transmits = new Transmits();
  add(transmits, 1, 2);
  const taken = [...transmits.take()];
  add(transmits, 3);
  taken.push(...transmits.take());
  add(transmits, 4, 5);
  expect(numbers(transmits.take())).toEqual([4, 5]);
  expect(numbers(taken)).toEqual([1, 2, 3]);
});

it('keeps the datagrams that wait during recycle()', () => {
  const transmits = new Transmits();
  add(transmits, 1);
  transmits.take();
  add(transmits, 2, 3);
  transmits.recycle();
  expect(transmits.length).toBe(2);
  add(transmits, 4);
  expect(numbers(transmits.take())).toEqual([2, 3, 4]);
});

it('uses all objects again after recycle(), also in another engine, and forgets their content', () => {
  const [one, other] = [new Transmits(), new Transmits()];
  add(one, 1, 2);
  const sent = [...one.take()];
  add(one, 3);
  sent.push(...one.take());
  one.recycle();
  expect(sent.every(({ bytes, endpoint }) => bytes.length === 0 && endpoint.port === 0)).toBe(true);
  other.add(Uint8Array.of(4), there, 3, true);
  other.add(Uint8Array.of(5), here, 0, false);
  other.add(Uint8Array.of(6), here, 0, false);
  const batch = other.take();
  expect(new Set(batch)).toEqual(new Set(sent));
  expect(batch.every((datagram) => sent.includes(datagram))).toBe(true);
  expect(batch[0]).toEqual({
    ...{ bytes: Uint8Array.of(4), endpoint: there, trafficClass: 3, isSourceInDoubt: true },
  });
  expect(batch[1]).toMatchObject({ trafficClass: 0, isSourceInDoubt: false });
});

it('refers to few datagrams of a socket that is never flushed', () => {
  const transmits = new Transmits();
  const sent: { bytes: Uint8Array }[] = [];
  for (let index = 0; index < 5_000; index++) {
    add(transmits, 1);
    sent.push(...transmits.take());
  }
  transmits.recycle();
  const forgotten = sent.map(({ bytes }) => bytes.length === 0);
  expect(forgotten.slice(0, 1_024).filter(Boolean).length).toBeGreaterThan(1_000);
  // recycle() would also forget these if the list contained them.
  expect(forgotten.slice(1_024)).not.toContain(true);
});

it('returns an array without datagrams that later ones do not fill', () => {
  const transmits = new Transmits();
  const nothing = transmits.take();
  add(transmits, 1);
  expect(nothing).toEqual([]);
});
