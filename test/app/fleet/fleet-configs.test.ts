import { findConfigs, fleetPlaces, MAX_SIMS } from '../../../src/app/fleet/fleet-configs.js';
import { FileError } from '../../../src/ports/files.js';

/** Folders and their names; everything else is a file. */
const folders = new Map<string, string[]>();
/** Folders that do not exist; list() returns no names for them. */
const missing = new Set<string>();
beforeEach(() => {
  folders.clear();
  missing.clear();
});

const files = {
  list: (path: string) => {
    const names = folders.get(path);
    return names === undefined
      ? Promise.reject(new FileError('failed', path, 'not a folder'))
      : Promise.resolve(names);
  },
  readText: (path: string) =>
    Promise.reject(new FileError(missing.has(path) ? 'absent' : 'is-folder', path, 'no text')),
};

const file = (path: string) => ({ path, isFolder: false });

it.each([
  ['a file', ['arc.json']],
  ['an inline configuration', ['{"simId":"1"}']],
])('finds no fleet in %s', async (_name, values) => {
  expect(await fleetPlaces(values, files)).toBeUndefined();
});

it('finds a fleet in a folder, and in several files', async () => {
  folders.set('fleet', ['a.json']);
  expect(await fleetPlaces(['fleet'], files)).toEqual([{ path: 'fleet', isFolder: true }]);
  expect(await fleetPlaces(['a.json', 'b.json'], files)).toEqual([file('a.json'), file('b.json')]);
});

it('finds a folder that is empty at the start, next to another configuration', async () => {
  folders.set('sims', []);
  const places = await fleetPlaces(['a.json', 'sims'], files);
  expect(places).toEqual([file('a.json'), { path: 'sims', isFolder: true }]);
  expect(await findConfigs(places!, files)).toMatchObject({ configs: [{ name: 'a' }] });
  folders.set('sims', ['b.json']);
  const { configs } = await findConfigs(places!, files);
  expect(configs.map(({ path }) => path)).toEqual(['a.json', 'sims/b.json']);
});

it('finds no fleet in an empty folder alone, and no folder that does not exist', async () => {
  folders.set('sims', []);
  expect(await fleetPlaces(['sims'], files)).toBeUndefined();
  missing.add('sims');
  expect(await fleetPlaces(['a.json', 'sims'], files)).toEqual([file('a.json'), file('sims')]);
});

it('refuses an inline configuration in a fleet', async () => {
  await expect(fleetPlaces(['a.json', '{}'], files)).rejects.toMatchObject({ kind: 'usage' });
});

it('names the configurations of a folder after their files, and ignores other files', async () => {
  folders.set('fleet/', ['b.json', 'a.json', 'notes.txt', '.hidden.json', '.json']);
  const places = [{ path: 'fleet/', isFolder: true }, file('more/c')];
  expect(await findConfigs(places, files)).toEqual({
    configs: [
      { name: 'a', path: 'fleet/a.json' },
      { name: 'b', path: 'fleet/b.json' },
      { name: 'c', path: 'more/c' },
    ],
    problems: [],
    ignored: [],
    kept: new Set(),
  });
});

it('names a configuration after the file in a path of Windows', async () => {
  const { configs } = await findConfigs([file('C:\\sims\\a.json')], files);
  expect(configs).toEqual([{ name: 'a', path: 'C:\\sims\\a.json' }]);
});

it('ignores a second file with the same name, and a name that no client can send', async () => {
  const places = ['one/a.json', 'two/a.json', 'a b.json', 'a:b.json', 'ä.json'].map(file);
  const { configs, problems } = await findConfigs(places, files);
  expect(configs).toEqual([{ name: 'a', path: 'one/a.json' }]);
  expect(problems).toEqual([
    'two/a.json is ignored: one/a.json has the same name',
    expect.stringContaining('a b.json is ignored: before .json, its name must have'),
    expect.stringContaining('a:b.json is ignored'),
    expect.stringContaining('ä.json is ignored'),
  ]);
});

it('limits the number of SIMs', async () => {
  const places = Array.from({ length: MAX_SIMS + 1 }, (_none, index) => file(`sim-${index}.json`));
  const { configs, problems } = await findConfigs(places, files);
  expect(configs).toHaveLength(MAX_SIMS);
  expect(problems).toEqual([expect.stringContaining('at most 2000 SIMs')]);
});

it('fails if a folder has no configuration', async () => {
  folders.set('fleet', ['notes.txt']);
  const places = await fleetPlaces(['fleet'], files);
  await expect(findConfigs(places!, files)).rejects.toMatchObject({
    kind: 'configuration',
    why: 'the folder has no file whose name ends in .json',
  });
});

it('fails if one of several folders cannot be read, so that a reload keeps its SIMs', async () => {
  folders.set('one', ['a.json']);
  folders.set('two', ['b.json']);
  const places = await fleetPlaces(['one', 'two'], files);
  folders.delete('two');
  await expect(findConfigs(places!, files)).rejects.toBeInstanceOf(FileError);
});

it('differs between an empty folder and a missing one, whose SIMs would seem to be removed', async () => {
  const places = [{ path: 'fleet', isFolder: true }, file('a.json')];
  folders.set('fleet', []);
  expect(await findConfigs(places, files)).toMatchObject({ configs: [{ name: 'a' }] });
  missing.add('fleet');
  await expect(findConfigs(places, files)).rejects.toThrow('the folder fleet does not exist');
});

describe('a folder that had configurations and is now empty', () => {
  const open = [
    { name: 'a', path: 'one/a.json' },
    { name: 'b', path: 'two/b.json' },
    { name: 'c', path: 'two/c.json' },
  ];
  const places = ['one/', 'two/'].map((path) => ({ path, isFolder: true }));

  it('keeps its SIMs, with a warning, because its volume may not be mounted', async () => {
    folders.set('one/', ['a.json']);
    folders.set('two/', ['lost+found']);
    expect(await findConfigs(places, files, open)).toEqual({
      configs: open,
      problems: ['two is empty, so its SIMs stay open: b, c. Restart "arctun up" to close them'],
      ignored: [],
      kept: new Set(['b', 'c']),
    });
  });

  it('is not kept if one configuration is left, or if a SIM is now in another folder', async () => {
    folders.set('one/', ['a.json']);
    folders.set('two/', ['c.json']);
    const { configs, problems } = await findConfigs(places, files, open);
    expect([configs.map(({ name }) => name), problems]).toEqual([['a', 'c'], []]);
    folders.set('one/', []);
    folders.set('two/', ['a.json', 'b.json', 'c.json']);
    expect(await findConfigs(places, files, open)).toEqual({
      configs: ['a', 'b', 'c'].map((name) => ({ name, path: `two/${name}.json` })),
      problems: [],
      ignored: [],
      kept: new Set(),
    });
  });

  it('does not keep the SIMs of a folder inside it', async () => {
    folders.set('one/', []);
    folders.set('two/', ['b.json']);
    const inside = [{ name: 'a', path: 'one/more/a.json' }];
    expect(await findConfigs(places, files, inside)).toMatchObject({ configs: [{ name: 'b' }] });
  });
});
