/** The limits for `bench lambda`, and the output of its results. */
import { quantile, summarize } from './statistics.js';

/** The limits, in milliseconds unless noted otherwise. */
export const LIMITS = {
  /** arctun's emulator takes longer to respond than wireguard-go and the kernel's TCP. */
  overhead: { median: { arctun: 2, 'wireguard-go': 1.5 }, p99: 10 },
  /** As a multiple of the time for `node -e 0`. */
  register: 3,
  /** From exec to ready. */
  start: 150,
  /** In addition to one round trip. */
  ready: 50,
  thaw: 100,
  /** The number of handshakes after a freeze of ten minutes. */
  handshakes: 1,
};

export class Verdicts {
  lines = [];
  isGood = true;

  title(text) {
    this.lines.push('', text);
  }

  /** Prints a measurement without a limit. */
  tell(what, text) {
    this.lines.push(`${what.padEnd(62)} ${text}`);
  }

  /** Prints a measurement that must not exceed `limit`. */
  judge(what, value, limit, unit) {
    // NaN means that nothing was measured, which counts as a failure.
    const isGood = value <= limit;
    this.isGood &&= isGood;
    const figure = `${value.toFixed(2)} ${unit}`.trim();
    this.tell(what, `${figure}  (limit ${limit}${isGood ? '' : ': MISSED'})`);
  }
}

/**
 * @param overheads how much longer each invocation's POST through the extension took than the direct
 *   one
 * @param server the Arc server, as in LambdaLab.start()
 */
export function judgeWarm(verdicts, what, overheads, server) {
  const { median, p99, largest, count } = summarize(overheads);
  verdicts.judge(`${what}, median of ${count}`, median, LIMITS.overhead.median[server], 'ms');
  verdicts.judge(`${what}, p99`, p99, LIMITS.overhead.p99, 'ms');
  verdicts.tell(`${what}, largest`, milliseconds(largest));
}

/**
 * @param runs each with `registered` and `baseline` (since exec) and `ready` (since `registered`)
 */
export function judgeCold(verdicts, what, runs, roundTrip) {
  const ratios = runs.map(({ registered, baseline }) => registered / baseline);
  const middle = quantile(ratios, 0.5);
  verdicts.judge(`${what}, exec to registration / node -e 0`, middle, LIMITS.register, '');
  verdicts.tell(
    `${what}, the same in ms`,
    `${medianOf(runs, 'registered').toFixed(1)} / ${medianOf(runs, 'baseline').toFixed(1)}`,
  );
  const ready = medianOf(runs, 'ready');
  verdicts.judge(`${what}, registration to ready`, ready, roundTrip + LIMITS.ready, 'ms');
  verdicts.tell(`${what}, the worst of ${runs.length}`, milliseconds(largestOf(runs, 'ready')));
  const starts = runs.map((run) => run.registered + run.ready);
  verdicts.judge(`${what}, exec to ready`, quantile(starts, 0.5), LIMITS.start, 'ms');
}

/** @param runs each with `took`, for the next invocation's POST, and the number of `handshakes` */
export function judgeThaw(verdicts, what, runs, roundTrip) {
  const took = medianOf(runs, 'took');
  verdicts.judge(`${what}, the next POST`, took, roundTrip + LIMITS.thaw, 'ms');
  verdicts.tell(`${what}, the worst of ${runs.length}`, milliseconds(largestOf(runs, 'took')));
  const most = largestOf(runs, 'handshakes');
  const least = quantile(
    runs.map(({ handshakes }) => handshakes),
    0,
  );
  verdicts.judge(`${what}, handshakes`, most, LIMITS.handshakes, '');
  if (least < LIMITS.handshakes) {
    verdicts.isGood = false;
    verdicts.tell(
      `${what}, without a handshake`,
      'the extension did not notice the freeze: MISSED',
    );
  }
}

export function milliseconds(value) {
  return `${value.toFixed(2)} ms`;
}

export function medianOf(runs, key) {
  return quantile(
    runs.map((run) => run[key]),
    0.5,
  );
}

function largestOf(runs, key) {
  return quantile(
    runs.map((run) => run[key]),
    1,
  );
}
