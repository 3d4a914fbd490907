import { EventQueue } from '../../src/wireguard/events.js';
import { WireguardPair } from '../support/pairs/wireguard-pair.js';

const { peer } = new WireguardPair().alice;

it('is empty at first, and returns events in order', () => {
  const events = new EventQueue();
  expect(events.poll()).toBeUndefined();
  events.push({ type: 'clock-jumped', by: 1 });
  events.push({ type: 'clock-jumped', by: 2 });
  expect([events.poll(), events.poll(), events.poll()]).toEqual([
    { type: 'clock-jumped', by: 1 },
    { type: 'clock-jumped', by: 2 },
    undefined,
  ]);
});

it('keeps the newest 1024', () => {
  const events = new EventQueue();
  for (let now = 0; now < 1_030; now++) events.push({ type: 'handshake-complete', peer, now });
  expect(events.poll()).toEqual({ type: 'handshake-complete', peer, now: 6 });
  for (let rest = 0; rest < 1_023; rest++) expect(events.poll()).toBeDefined();
  expect(events.poll()).toBeUndefined();
});
