import { RoundTripFloor } from '../../../../../src/netstack/tcp/congestion/bbr/round-trip-floor.js';

it('is the shortest round trip of ten seconds (draft-ietf-ccwg-bbr 5.3.4.3, draft-ietf-ccwg-bbr 5.5.7)', () => {
  const floor = new RoundTripFloor(0);
  expect(floor.value).toBe(Infinity);
  floor.update(-1, 1);
  expect(floor.value).toBe(Infinity);
  floor.update(50, 100);
  floor.update(40, 200);
  floor.update(60, 300);
  expect(floor.value).toBe(40);
  for (let now = 400; now <= 10_200; now += 100) floor.update(60, now);
  expect(floor.value).toBe(40);
  floor.update(60, 10_201);
  expect(floor.value).toBe(60);
});

it('must be probed after five seconds without a sample as short (draft-ietf-ccwg-bbr 5.3.4.3, draft-ietf-ccwg-bbr 5.3.4.2)', () => {
  const floor = new RoundTripFloor(0);
  floor.update(40, 100);
  floor.update(50, 5100);
  expect(floor.isExpired).toBe(false);
  floor.update(50, 5101);
  expect(floor.isExpired).toBe(true);
  // That sample is the new floor.
  floor.update(55, 5102);
  expect(floor.isExpired).toBe(false);
  floor.probed(8000);
  floor.update(55, 13_000);
  expect(floor.isExpired).toBe(false);
  floor.update(55, 13_001);
  expect(floor.isExpired).toBe(true);
});

it('must be probed after five seconds without any sample', () => {
  const floor = new RoundTripFloor(1000);
  expect(floor.isExpired).toBe(false);
  floor.update(-1, 6000);
  expect(floor.isExpired).toBe(false);
  floor.update(-1, 6001);
  expect(floor.isExpired).toBe(true);
});

it('accepts a round trip of 0 ms', () => {
  const floor = new RoundTripFloor(0);
  floor.update(0, 100);
  expect(floor.value).toBe(0);
});

it('is not renewed by a round trip of the same length', () => {
  const floor = new RoundTripFloor(0);
  floor.update(40, 100);
  floor.update(40, 3000);
  floor.update(40, 5101);
  expect(floor.isExpired).toBe(true);
  // The sample counts for the next probe, but the floor is as old as before.
  floor.update(60, 10_102);
  expect(floor.value).toBe(60);
});
