import { FleetHarness, simIdOf } from '../fleet-harness.js';

let harness: FleetHarness;
beforeEach(async () => {
  harness = new FleetHarness();
  await harness.world.openNetwork();
});
afterEach(async () => {
  await harness.close();
  expect(harness.world.link.openSockets).toBe(0);
  expect(harness.claims.holders.size).toBe(0);
});

/** Holds back each attempt after it has read its configuration. */
function holdAttempts(): { readonly release: () => void } {
  let release = () => {};
  harness.gate = new Promise((resolve) => (release = resolve));
  return { release: () => release() };
}

it('opens its tunnel, and reports its state', async () => {
  harness.write('a.json', 1);
  await harness.start();
  const member = harness.member('a');
  expect(await member.report()).toEqual({
    ...{ name: 'a', simId: simIdOf(1), isUp: true, problem: undefined },
  });
});

it('tries again after a failure, later each time, and logs the reason once', async () => {
  harness.texts.set('a.json', '');
  await harness.start();
  const member = harness.member('a');
  const problem = 'cannot read sims/a.json: empty';
  expect(await member.report()).toEqual({ name: 'a', simId: '', isUp: false, problem });
  await expect(member.status()).rejects.toThrow(problem);
  await harness.pass(200_000);
  const pauses = harness.reads.slice(1).map((at, index) => at - harness.reads[index]!);
  expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  expect(harness.world.log.messages('error')).toEqual([
    `cannot open the tunnel: ${problem}. arctun tries again. Write the file again.`,
  ]);
  harness.write('a.json', 1);
  await harness.pass(60_000);
  await harness.openWith('a', 1);
  expect(await member.report()).toMatchObject({ problem: undefined });
});

it('opens its tunnel at once if it is reloaded during a pause', async () => {
  harness.texts.set('a.json', '');
  await harness.start();
  harness.write('a.json', 1);
  harness.member('a').reload();
  await harness.openWith('a', 1);
  expect(harness.reads).toHaveLength(2);
});

it('reads a configuration again that was changed while the tunnel opened', async () => {
  harness.write('a.json', 1);
  const { release } = holdAttempts();
  await harness.fleet.start();
  await harness.turn();
  expect(harness.reads).toHaveLength(1);
  harness.write('a.json', 2);
  harness.member('a').reload();
  release();
  await harness.openWith('a', 2);
  expect(harness.reads).toHaveLength(2);
  expect(harness.member('a').simId).toBe(simIdOf(2));
});

it('tries again at once if it is reloaded during an attempt that fails', async () => {
  harness.texts.set('a.json', '');
  const { release } = holdAttempts();
  await harness.fleet.start();
  await harness.turn();
  harness.write('a.json', 1);
  harness.member('a').reload();
  release();
  await harness.openWith('a', 1);
  expect(harness.reads).toHaveLength(2);
});

it('reads a configuration once if it is reloaded before the attempt', async () => {
  harness.write('a.json', 1);
  await harness.start();
  harness.member('a').reload();
  await harness.turn();
  expect(harness.reads).toHaveLength(2);
  expect(harness.world.log.messages('info')).toContain('reloaded sims/a.json: no changes');
});
