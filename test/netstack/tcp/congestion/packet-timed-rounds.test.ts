import { PacketTimedRounds } from '../../../../src/netstack/tcp/congestion/packet-timed-rounds.js';

it('begins a round when data sent after the last start is delivered (draft-ietf-ccwg-bbr 5.5.1)', () => {
  const rounds = new PacketTimedRounds();
  const starts = [
    [0, 1000],
    [0, 2000],
    [999, 3000],
    [-1, 3000],
    [1000, 4000],
    [3999, 5000],
    [4000, 6000],
  ].map(([prior, delivered]) => {
    rounds.update(prior!, delivered!);
    return rounds.isStart;
  });
  expect(starts).toEqual([true, false, false, false, true, false, true]);
  expect(rounds.count).toBe(3);
});

it('restarts the current round', () => {
  const rounds = new PacketTimedRounds();
  rounds.update(0, 1000);
  rounds.begin(5000);
  rounds.update(4999, 6000);
  expect(rounds.isStart).toBe(false);
  rounds.update(5000, 7000);
  expect(rounds.isStart).toBe(true);
});
