/** RST that answers a segment of no connection. */
import { ACK, Harness, SYN, TIMESTAMPS_OPTION } from '../tcp-harness.js';

function refused(flags: number, options: number[]) {
  const h = new Harness();
  h.ourPort = 9;
  h.receives({ flags, seq: 5, ack: 7, options });
  return h.sends();
}

it.each([
  ['SYN', SYN, 'RST,ACK'],
  ['ACK', ACK, 'RST'],
])('echoes the timestamp of a %s, with none of its own (RFC 7323 5.2)', (_, flags, answer) => {
  const [reset, ...others] = refused(flags, TIMESTAMPS_OPTION(0x8123_4567, 99));
  expect(others).toEqual([]);
  expect(reset).toMatchObject({ flags: answer, len: 0 });
  expect(reset!.options).toMatchObject({ hasTimestamps: true, tsVal: 0, tsEcr: 0x8123_4567 | 0 });
});

it('has no timestamps where the segment had none', () => {
  expect(refused(ACK, [])[0]!.options.hasTimestamps).toBe(false);
});
