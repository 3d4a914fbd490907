import { FleetHarness, simIdOf } from '../fleet-harness.js';

let harness: FleetHarness;
beforeEach(async () => {
  harness = new FleetHarness();
  await harness.world.openNetwork();
});
afterEach(() => harness.close());

const names = () => harness.fleet.members.map(({ name }) => name);

it('opens the tunnel of each configuration, although one of them fails', async () => {
  harness.write('b.json', 2);
  harness.write('a.json', 1);
  harness.texts.set('c.json', '');
  await harness.start();
  expect(await harness.fleet.report()).toEqual([
    { name: 'a', simId: simIdOf(1), isUp: true, problem: undefined },
    { name: 'b', simId: simIdOf(2), isUp: true, problem: undefined },
    { name: 'c', simId: '', isUp: false, problem: 'cannot read sims/c.json: empty' },
  ]);
});

it('finds a SIM by its name and by its SIM ID', async () => {
  harness.write('a.json', 1);
  await harness.start();
  const [member] = harness.fleet.members;
  expect(harness.fleet.find('a')).toBe(member);
  expect(harness.fleet.find(simIdOf(1))).toBe(member);
  expect(harness.fleet.find('')).toBeUndefined();
  expect(harness.fleet.find('b')).toBeUndefined();
});

it('opens, closes and reloads tunnels as files come, go and change', async () => {
  harness.write('a.json', 1);
  harness.write('b.json', 2);
  await harness.start();
  harness.texts.delete('a.json');
  harness.write('b.json', 4);
  harness.write('c.json', 3);
  await harness.fleet.reload();
  expect(names()).toEqual(['b', 'c']);
  expect(harness.removed).toEqual(['a']);
  await harness.openWith('b', 4);
  await harness.openWith('c', 3);
  expect(harness.claims.holders.size).toBe(2);
  expect(harness.world.log.lines).toContainEqual({
    level: 'info',
    fields: { added: 1, removed: 1, sims: 2 },
    message: 'reloaded the configurations',
  });
});

it('changes nothing if the folder cannot be read', async () => {
  harness.write('a.json', 1);
  await harness.start();
  harness.isReadable = false;
  await harness.fleet.reload();
  expect(names()).toEqual(['a']);
  expect(harness.removed).toEqual([]);
  expect(harness.world.log.messages('error')).toEqual([
    'cannot reload the configurations: permission denied. The tunnels are unchanged.',
  ]);
});

it('only warns if the folder is empty, because its volume may not be mounted', async () => {
  harness.write('a.json', 1);
  harness.write('b.json', 2);
  await harness.start();
  const { length } = harness.reads;
  const { length: earlier } = harness.world.log.messages('warn');
  const saved = [...harness.texts];
  harness.texts.clear();
  await harness.fleet.reload();
  await harness.pass(1_000);
  expect(names()).toEqual(['a', 'b']);
  expect(harness.world.log.messages('warn').slice(earlier)).toEqual([
    'sims is empty, so its SIMs stay open: a, b. Restart "arctun up" to close them',
  ]);
  expect(harness.world.log.messages('error')).toEqual([]);
  expect(harness.reads).toHaveLength(length);
  for (const [name, text] of saved) harness.texts.set(name, text);
  await harness.fleet.reload();
  await harness.pass(1_000);
  expect(harness.reads).toHaveLength(length + 2);
});

it('names the SIM in its log lines', async () => {
  harness.texts.set('a.json', '');
  await harness.start();
  expect(harness.world.log.lines).toContainEqual(
    expect.objectContaining({ level: 'error', fields: { sim: 'a' } }),
  );
});

it('names the cause once if two configurations have one SIM', async () => {
  harness.write('a.json', 1);
  harness.texts.set('b.json', harness.texts.get('a.json')!);
  await harness.start();
  expect(harness.world.log.messages('error')).toEqual([
    'cannot open the tunnel: another configuration of this process is already using this SIM. arctun tries again. Remove one of the two configurations, or create a virtual SIM for it.',
  ]);
});

it('opens nothing after it has been closed', async () => {
  harness.write('a.json', 1);
  await harness.start();
  await harness.fleet.close(0);
  harness.write('b.json', 2);
  await harness.fleet.reload();
  expect(harness.fleet.find('b')).toBeUndefined();
  expect(harness.world.link.openSockets).toBe(1);
});
