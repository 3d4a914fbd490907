/** How a persistent rival is stored and logged. */
import { Rivals } from '../../src/tunnel/rivals/rivals.js';
import type { Peer } from '../../src/engine/engine.js';
import { RecordingLog } from '../support/fakes/recording-log.js';

const MINUTE = 60_000;
const IDLE = { unansweredDataSince: undefined, handshakeBeganAt: 0 } as unknown as Peer;

function setUp() {
  const log = new RecordingLog();
  const rivals = new Rivals(log, 0, () => -Infinity);
  let flow = 0;
  /** Two answers for another tunnel's connections, 2 s apart: certainly a rival. */
  const appear = (now: number) => {
    rivals.onUnmatched({ flow: String(flow++), isSynAck: false }, now);
    rivals.onUnmatched({ flow: String(flow++), isSynAck: false }, now + 2_000);
    rivals.afterTurn(IDLE, now + 2_000);
  };
  return { log, rivals, appear };
}

it('logs one warning, and another an hour later', () => {
  const { log, appear } = setUp();
  for (let minute = 2; minute <= 70; minute++) appear(minute * MINUTE);
  expect(log.messages('warn')).toEqual([
    'another tunnel is using this virtual SIM',
    'another tunnel is using this virtual SIM',
  ]);
});

it('counts as present for ten minutes after the last sign', () => {
  const { rivals, appear } = setUp();
  expect(rivals.seen(2 * MINUTE)).toBeUndefined();
  appear(2 * MINUTE);
  expect(rivals.seen(3 * MINUTE)).toEqual({
    why: expect.stringContaining("packets for another tunnel's connection arrived") as string,
    ago: MINUTE - 2_000,
  });
  expect(rivals.seen(12 * MINUTE)).toBeDefined();
  expect(rivals.seen(12 * MINUTE + 2_000)).toBeUndefined();
});

it('is forgotten when the key changes', () => {
  const { log, rivals, appear } = setUp();
  appear(2 * MINUTE);
  rivals.restart(3 * MINUTE);
  expect(rivals.seen(3 * MINUTE)).toBeUndefined();
  appear(5 * MINUTE);
  expect(log.messages('warn')).toHaveLength(2);
});
