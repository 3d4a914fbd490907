import { sendQuantum } from '../../../../src/netstack/tcp/congestion/send-quantum.js';

it.each([
  [100, 1400],
  [149, 1400],
  [150, 2800],
  [5000, 5000],
  [100_000, 65_536],
  [Infinity, 65_536],
])(
  'is one millisecond of %d bytes per ms, within its limits (draft-ietf-ccwg-bbr 5.6.3)',
  (rate, quantum) => {
    expect(sendQuantum(rate, 1400)).toBe(quantum);
  },
);
