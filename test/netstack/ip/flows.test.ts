import { Flows } from '../../../src/netstack/ip/flows.js';
import { ip, seededEntropy } from '../../support/pairs/netstack-pair.js';

const LOCAL = { address: ip('fd00::1'), port: 1000 };
const REMOTE = { address: ip('fd00::2'), port: 80 };

it('assigns each flow its own constant label (RFC 6437 3)', () => {
  const flows = new Flows(seededEntropy(1));
  const label = flows.label(6, LOCAL, REMOTE);
  expect(flows.label(6, LOCAL, REMOTE)).toBe(label);
  const others = [
    flows.label(17, LOCAL, REMOTE),
    flows.label(6, { ...LOCAL, port: 1001 }, REMOTE),
    flows.label(6, { ...LOCAL, port: 1256 }, REMOTE),
    flows.label(6, LOCAL, { ...REMOTE, port: 81 }),
    flows.label(6, LOCAL, { ...REMOTE, port: 336 }),
    flows.label(6, LOCAL, { ...REMOTE, address: ip('fd00::3') }),
    flows.label(6, { ...LOCAL, address: ip('fd00::3') }, REMOTE),
    flows.label(6, REMOTE, LOCAL),
    new Flows(seededEntropy(2)).label(6, LOCAL, REMOTE),
  ];
  expect(new Set([label, ...others]).size).toBe(10);
});

it('remembers only noted flows', () => {
  const flows = new Flows(seededEntropy(1));
  expect(flows.isNoted(17, LOCAL, REMOTE)).toBe(false);
  flows.note(17, LOCAL, REMOTE);
  expect(flows.isNoted(17, LOCAL, REMOTE)).toBe(true);
  expect(flows.isNoted(17, LOCAL, { ...REMOTE, port: 81 })).toBe(false);
  expect(flows.isNoted(17, REMOTE, LOCAL)).toBe(false);
});

it('remembers the last hundred flows, and forgets old ones', () => {
  const flows = new Flows(seededEntropy(1));
  const remembered = (port: number) => flows.isNoted(17, { ...LOCAL, port }, REMOTE);
  for (let port = 1; port <= 20_000; port++) flows.note(17, { ...LOCAL, port }, REMOTE);
  const recent = Array.from({ length: 100 }, (_, index) => 19_901 + index).filter(remembered);
  expect(recent).toHaveLength(100);
  expect(Array.from({ length: 1000 }, (_, index) => index + 1).some(remembered)).toBe(false);
});

it('keeps the noted flows while its table grows', () => {
  const flows = new Flows(seededEntropy(1));
  for (let port = 1; port <= 200; port++) {
    flows.note(17, { ...LOCAL, port }, REMOTE);
    const noted = Array.from({ length: port }, (_, index) => index + 1);
    expect(noted.filter((one) => !flows.isNoted(17, { ...LOCAL, port: one }, REMOTE))).toEqual([]);
  }
});
