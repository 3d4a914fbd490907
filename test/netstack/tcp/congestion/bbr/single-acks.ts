/** Feeds a Bbr with single ACKs and losses, without a simulated path. */
import { Bbr } from '../../../../../src/netstack/tcp/congestion/bbr/bbr.js';
import type { AckSample } from '../../../../../src/netstack/tcp/congestion/congestion-control.js';
import { sample, type State, state, transmission } from '../samples.js';

export function fresh(): Bbr {
  return new Bbr({ mss: 1000, random: () => 0, now: 0 });
}

/** An ACK of one segment that begins a round. */
export function acknowledge(
  bbr: Bbr,
  now: State,
  at: number,
  changes: Partial<AckSample> = {},
): void {
  const priorDelivered = now.delivered;
  now.delivered += 1000;
  const each = {
    deliveryRate: 1000,
    delivered: 40_000,
    newlyDelivered: 1000,
    rtt: 40,
    priorDelivered,
  };
  bbr.acknowledged(sample({ ...each, ...changes }), now, at);
}

/** In ProbeBW, at 1000 bytes a ms and 40 ms, with a window of 80 segments. */
export function steady(): [Bbr, State] {
  const bbr = fresh();
  const now = state({ srtt: 40, inflight: 40_000 });
  let at = 0;
  for (let round = 0; round < 12; round++) {
    at += 40;
    for (let ack = 0; ack < 10; ack++)
      acknowledge(bbr, now, at, ack > 0 ? { priorDelivered: 0 } : {});
  }
  expect(bbr.phase).toBe('ProbeBW_CRUISE');
  expect(bbr.cwnd).toBeGreaterThan(80_000);
  return [bbr, now];
}

/** `count` losses of segments sent with 60 segments in flight, or with `inflight`. */
export function lose(bbr: Bbr, now: State, count: number, inflight = 60_000): void {
  for (let loss = 0; loss < count; loss++) {
    now.lost += 1000;
    bbr.lost(transmission({ inflight, lost: 0 }), now, 5000);
  }
}

/** A round in which a third is lost, with a best sample of `rate`. */
export function lossyRound(bbr: Bbr, now: State, rate: number): void {
  lose(bbr, now, 20);
  bbr.enterRecovery();
  now.delivered += 20_000;
  acknowledge(bbr, now, 2000, { deliveryRate: rate, delivered: 20_000 });
}

/** Enters ProbeBW_UP, with ACKs of data sent in it. */
export function up(bbr: Bbr, now: State): void {
  for (let round = 0; bbr.phase !== 'ProbeBW_UP' && round < 100; round++)
    acknowledge(bbr, now, 1000 + 40 * round);
  expect(bbr.phase).toBe('ProbeBW_UP');
}

/** Fast recovery that began in Startup: `count` ACKs of one round, each of which finds a loss. */
export function lossyStartup(bbr: Bbr, now: State, count: number): void {
  acknowledge(bbr, now, 40);
  for (let ack = 0; ack < count; ack++) {
    lose(bbr, now, 1, 40_000);
    if (ack === 0) bbr.enterRecovery();
    acknowledge(bbr, now, 80, { ...LOSSY, priorDelivered: 0 });
  }
}

/** An ACK that finds a loss when half of the data sent is lost. */
export const LOSSY = { newlyLost: 1000, lost: 20_000, inflight: 40_000 };
