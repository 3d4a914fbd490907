import type { ArcConfig, ArcSession } from '../../../src/arc-config/arc-config.js';
import { parseArcConfig, parseArcSession } from '../../../src/arc-config/parse-arc-config.js';
import {
  keepSessionState,
  sessionStatePath,
  settleSessionState,
  withNewestSession,
} from '../../../src/app/session/session-state.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { SAMPLE, sampleWith, sampleWithSession } from '../../arc-config/sample.js';
import { NEW_SESSION } from '../fake-soracom.js';

const STATE = '/state/session-8942310022000012345.json';

let files: MemoryFiles;
let home: { files: MemoryFiles; stateFolder: string };
beforeEach(() => {
  files = new MemoryFiles();
  home = { files, stateFolder: '/state' };
});

const config = (text = SAMPLE): ArcConfig => parseArcConfig(text, { path: 'arc.json' });
const session = (changes: object = {}): ArcSession =>
  parseArcSession(JSON.stringify({ ...NEW_SESSION, ...changes }), { path: 'test' });
const addressOf = ({ arcSessionStatus }: ArcConfig) => arcSessionStatus?.arcClientPeerIpAddress;

const edit = (old: string, text: string) =>
  files.texts.set(STATE, files.texts.get(STATE)!.replace(old, text));

describe('a session in the state folder', () => {
  it('applies while arc.json has the session that it replaced', async () => {
    expect(await keepSessionState(config(), session(), home)).toBe(STATE);
    const newest = await withNewestSession(config(), home);
    expect(newest).toEqual({
      ...config(),
      arcSessionStatus: { ...session(), unknownKeys: [] },
    });
  });

  it.each([
    ['a file of another user', { fault: 'owner', isFolder: false, owner: 1001, user: 1000 }, false],
    ['a file that others write', { fault: 'mode', isFolder: false, mode: 0o666 }, false],
    ['a folder that all write', { fault: 'mode', isFolder: true, mode: 0o777 }, false],
    ['a folder that its group writes', { fault: 'mode', isFolder: true, mode: 0o775 }, true],
    ['a folder of another user', { fault: 'owner', isFolder: true, owner: 1000, user: 0 }, true],
  ] as const)('is valid in %s: %j, %s', async (_, writer, counts) => {
    await keepSessionState(config(), session(), home);
    files.inspections.set(STATE, { otherWriters: [{ path: STATE, ...writer }] });
    const newest = await withNewestSession(config(), home);
    expect(addressOf(newest) === addressOf(config())).toBe(!counts);
  });

  it('does not apply if arc.json has another session', async () => {
    await keepSessionState(config(), session(), home);
    const renewed = config(sampleWithSession({ arcClientPeerIpAddress: '10.0.0.99' }));
    expect(await withNewestSession(renewed, home)).toBe(renewed);
  });

  it.each([
    ['arcServerPeerPublicKey', 'IBEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7n8='],
    ['arcServerEndpoint', 'other.arc.soracom.io:11010'],
    ['arcAllowedIPs', ['100.127.0.0/21']],
    ['arcClientPeerIpAddress', '10.0.0.3'],
  ])('differs from the previous one by %s', async (key, value) => {
    await keepSessionState(config(), session(), home);
    const other = config(sampleWithSession({ [key]: value }));
    expect(await withNewestSession(other, home)).toBe(other);
  });

  it('keeps fields that the user has added to the session in arc.json', async () => {
    const added = config(sampleWithSession({ vpgId: 'v' }));
    await keepSessionState(added, session(), home);
    const newest = await withNewestSession(added, home);
    expect(newest.arcSessionStatus?.unknownKeys).toEqual(added.arcSessionStatus?.unknownKeys);
    expect(newest.arcSessionStatus?.unknownKeys).toHaveLength(1);
  });

  it('contains no private key', async () => {
    await keepSessionState(config(), session(), home);
    expect(Object.keys(JSON.parse(files.texts.get(STATE)!) as object)).toEqual([
      'simId',
      'replaces',
      'arcSessionStatus',
    ]);
    expect(files.texts.get(STATE)).not.toContain('IBEiM0RVZneImaq7');
  });

  it.each<[string, () => void]>([
    ['is not JSON', () => files.texts.set(STATE, '{')],
    ['has another form', () => files.texts.set(STATE, '{"simId":"8942310022000012345"}')],
    ['is not a complete session', () => edit('10.9.8.7', 'nonsense')],
    ['belongs to another SIM', () => edit('8942310022000012345', '1')],
    ['may not be read', () => files.failures.set(`readText ${STATE}`, new Error('denied'))],
  ])('is ignored if it %s', async (_, breakIt) => {
    await keepSessionState(config(), session(), home);
    breakIt();
    const original = config();
    expect(await withNewestSession(original, home)).toBe(original);
  });

  it('is not searched if arc.json has no SIM ID', async () => {
    const anonymous = config(sampleWith({ simId: '' }));
    expect(await withNewestSession(anonymous, home)).toBe(anonymous);
    expect(files.calls).toEqual([]);
  });
});

describe('sessionStatePath', () => {
  it('is always in the state folder, whatever the ID is', () => {
    expect(sessionStatePath('../../etc/x', home)).toBe('/state/session-______etc_x.json');
  });
});

describe('settleSessionState', () => {
  it('invalidates a state that is older than arc.json', async () => {
    await keepSessionState(config(), session(), home);
    // arc.json is written again, and SORACOM has returned the session that it had.
    await settleSessionState(config(), home);
    expect(await withNewestSession(config(), home)).toEqual(config());
  });

  it('creates no state if there is none', async () => {
    await settleSessionState(config(), home);
    expect(files.texts.size).toBe(0);
  });

  it('does not fail if the state cannot be written', async () => {
    await keepSessionState(config(), session(), home);
    files.failures.set(`replaceText ${STATE}`, new Error('read-only'));
    await expect(settleSessionState(config(), home)).resolves.toBeUndefined();
  });
});
