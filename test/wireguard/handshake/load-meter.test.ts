import { LoadMeter, UNDER_LOAD_LENGTH } from '../../../src/wireguard/handshake/load-meter.js';

function arrive(meter: LoadMeter, count: number, now: number): boolean {
  let underLoad = false;
  for (let index = 0; index < count; index++) underLoad = meter.messageArrived(now);
  return underLoad;
}

it('is under load from 512 messages at once', () => {
  expect(arrive(new LoadMeter(), UNDER_LOAD_LENGTH - 1, 0)).toBe(false);
  expect(arrive(new LoadMeter(), UNDER_LOAD_LENGTH, 0)).toBe(true);
});

it('stays under load for one second', () => {
  const meter = new LoadMeter();
  arrive(meter, UNDER_LOAD_LENGTH, 0);
  expect(meter.messageArrived(999)).toBe(true);
  expect(meter.messageArrived(1_000)).toBe(false);
});

it('handles 400 messages a second indefinitely, but not 2000 for a second', () => {
  const meter = new LoadMeter();
  for (let now = 0; now < 60_000; now += 10) expect(arrive(meter, 4, now)).toBe(false);
  let underLoad = false;
  for (let now = 60_000; now < 61_000; now += 10) underLoad = arrive(meter, 20, now);
  expect(underLoad).toBe(true);
});

it('is no longer under load one second after a flood of any duration', () => {
  const meter = new LoadMeter();
  let now = 0;
  for (; now < 60_000; now++) arrive(meter, 5, now);
  expect(meter.messageArrived(now + 998)).toBe(true);
  expect(meter.messageArrived(now + 999)).toBe(false);
});
