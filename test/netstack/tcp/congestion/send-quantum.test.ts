import { sendQuantum } from '../../../../src/netstack/tcp/congestion/send-quantum.js';

it.each([
  [100, 1400],
  [150, 2800],
])(
  'is one millisecond of %d bytes per ms, within its limits (draft-ietf-ccwg-bbr 5.6.3)',
  (rate, quantum) => {
    expect(sendQuantum(rate, 1400)).toBe(quantum);
  },
);
