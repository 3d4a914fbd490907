import { RivalWatch } from '../../../src/tunnel/rivals/rival-watch.js';

const START = 100_000;

/** A watch whose session was established at START and is current. */
function watching(): RivalWatch {
  const watch = new RivalWatch(START);
  watch.handshakeComplete(undefined, START);
  return watch;
}

/**
 * A session that starts at `from` sends a question 3 s later; the answer goes to another tunnel,
 * until a handshake.
 */
function lose(watch: RivalWatch, from: number): void {
  watch.strangeMessage(from + 3_001);
  watch.timedOut(from + 4_000);
  watch.handshakeComplete(from + 3_000, from + 5_000);
}

describe('a session', () => {
  const asked = START + 10_000;

  it('is in doubt, reported once, if the server answers another tunnel but not this one for 1 s', () => {
    const watch = watching();
    watch.strangeMessage(asked + 1);
    watch.timedOut(asked + 200);
    expect(watch.poll(asked, asked + 999)).toBeUndefined();
    expect(watch.poll(asked, asked + 1_000)).toEqual({
      isCertain: false,
      isInDoubt: true,
      foreignFlows: 0,
      lostSessions: 0,
    });
    expect(watch.isInDoubt(asked, asked + 1_000)).toBe(true);
    expect(watch.poll(asked, asked + 2_000)).toBeUndefined();
  });

  it('is not in doubt if only foreign messages arrive, because anyone can send them', () => {
    const watch = watching();
    for (let at = asked; at < asked + 600_000; at += 100) {
      watch.strangeMessage(at);
      expect(watch.poll(undefined, at)).toBeUndefined();
      // A question sent just now may still be answered.
      expect(watch.poll(at - 500, at)).toBeUndefined();
    }
  });

  it('is not in doubt if only answers are missing, as with loss or after a server restart', () => {
    const watch = watching();
    for (let at = asked; at < asked + 600_000; at += 7_000) {
      watch.timedOut(at + 1_000);
      expect(watch.poll(at, at + 5_000)).toBeUndefined();
      watch.handshakeComplete(at, at + 5_000);
    }
  });

  it('is not in doubt if TCP expects no answer, as after the last message of an exchange', () => {
    const watch = watching();
    watch.timedOut(asked - 1);
    watch.strangeMessage(asked + 1);
    expect(watch.poll(asked, asked + 60_000)).toBeUndefined();
  });

  it('is not in doubt because of TCP retransmissions during a handshake', () => {
    const watch = watching();
    watch.strangeMessage(asked + 1);
    watch.handshakeComplete(asked, asked + 2_000);
    watch.timedOut(asked + 2_199);
    watch.strangeMessage(asked + 2_500);
    expect(watch.poll(asked, asked + 3_000)).toBeUndefined();
    watch.timedOut(asked + 2_200);
    expect(watch.poll(asked, asked + 3_000)).toMatchObject({ isInDoubt: true });
  });

  it('is not in doubt because of a foreign message from before the question', () => {
    const watch = watching();
    watch.strangeMessage(asked - 1);
    watch.timedOut(asked + 1_000);
    expect(watch.poll(asked, asked + 5_000)).toBeUndefined();
  });

  it('is not in doubt because of questions or foreign messages from before the session', () => {
    const watch = watching();
    watch.strangeMessage(asked + 1);
    watch.timedOut(asked + 1_000);
    watch.handshakeComplete(asked, asked + 2_000);
    expect(watch.poll(asked, asked + 4_000)).toBeUndefined();
    watch.strangeMessage(asked + 2_500);
    watch.timedOut(asked + 3_000);
    expect(watch.poll(asked, asked + 2_999)).toBeUndefined();
    expect(watch.poll(asked, asked + 3_000)).toMatchObject({ isInDoubt: true, lostSessions: 1 });
  });

  it('is not in doubt before the first session', () => {
    const watch = new RivalWatch(START);
    watch.strangeMessage(asked);
    watch.timedOut(asked + 1_000);
    expect(watch.poll(asked, asked + 5_000)).toBeUndefined();
  });
});

describe('a rival', () => {
  it('is certain after the third lost session, but not after the second', () => {
    const watch = watching();
    lose(watch, START);
    lose(watch, START + 5_000);
    expect(watch.poll(undefined, START + 10_000)).toBeUndefined();
    lose(watch, START + 10_000);
    expect(watch.poll(undefined, START + 15_000)).toEqual({
      isCertain: true,
      isInDoubt: false,
      foreignFlows: 0,
      lostSessions: 3,
    });
  });

  it('is certain if one message a minute loses a session each time, as with two sandboxes that share a SIM', () => {
    const watch = watching();
    const named: number[] = [];
    for (let at = START; at < START + 600_000; at += 61_000) {
      lose(watch, at);
      if (watch.poll(undefined, at + 5_000)?.isCertain === true) named.push((at - START) / 61_000);
    }
    expect(named).toEqual([2, 5, 8]);
  });

  it('is not certain if lost sessions are far apart, with others in between', () => {
    const watch = watching();
    for (let at = START; at < START + 3_600_000; at += 61_000) {
      lose(watch, at);
      watch.handshakeComplete(undefined, at + 30_000);
      expect(watch.poll(undefined, at + 30_000)).toBeUndefined();
    }
  });

  it('is reported again no earlier than after 30 s while signs continue, but not without signs', () => {
    const watch = watching();
    const named: number[] = [];
    for (let at = START; at < START + 100_000; at += 5_000) {
      lose(watch, at);
      if (watch.poll(undefined, at + 5_000)?.isCertain === true) named.push(at + 5_000 - START);
    }
    expect(named).toEqual([15_000, 45_000, 75_000]);
    expect(watch.poll(undefined, START + 400_000)).toBeUndefined();
  });

  it('is certain after two foreign flows at different times, or one flow and a lost session', () => {
    const watch = watching();
    const at = START + 70_000;
    watch.foreignFlow('a', false, at);
    watch.foreignFlow('b', false, at + 999);
    expect(watch.poll(undefined, at + 999)).toMatchObject({ isCertain: false, isInDoubt: false });
    watch.foreignFlow('c', false, at + 1_000);
    expect(watch.poll(undefined, at + 1_000)).toMatchObject({ isCertain: true, foreignFlows: 3 });

    const other = watching();
    lose(other, START);
    other.foreignFlow('a', true, START + 6_000);
    expect(other.poll(undefined, START + 6_000)).toMatchObject({ isCertain: true });
  });

  it('is not inferred from one flow that repeats', () => {
    const watch = watching();
    for (let at = START + 70_000; at < START + 170_000; at += 2_000) {
      watch.foreignFlow('a', false, at);
      expect(watch.poll(undefined, at)?.isCertain ?? false).toBe(false);
    }
  });

  it('is not inferred from connections of an earlier process', () => {
    const watch = watching();
    watch.foreignFlow('a', true, START + 1_000);
    watch.foreignFlow('b', true, START + 4_999);
    watch.foreignFlow('c', false, START + 30_000);
    watch.foreignFlow('d', false, START + 59_999);
    expect(watch.poll(undefined, START + 59_999)).toBeUndefined();
    watch.foreignFlow('e', true, START + 60_000);
    watch.foreignFlow('f', false, START + 61_000);
    expect(watch.poll(undefined, START + 61_000)).toMatchObject({ isCertain: true });
  });

  it('is forgotten when the key changes', () => {
    const watch = watching();
    lose(watch, START);
    lose(watch, START + 5_000);
    watch.restart(START + 10_000);
    watch.handshakeComplete(undefined, START + 10_000);
    lose(watch, START + 10_000);
    expect(watch.poll(undefined, START + 15_000)).toBeUndefined();
  });
});
