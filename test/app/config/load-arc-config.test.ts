import { parseArcConfig, parseArcSession } from '../../../src/arc-config/parse-arc-config.js';
import { loadArcConfig, loadTunnelConfig } from '../../../src/app/config/load-arc-config.js';
import { keepSessionState } from '../../../src/app/session/session-state.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { SAMPLE } from '../../arc-config/sample.js';
import { NEW_SESSION } from '../fake-soracom.js';

const ORIGINAL = parseArcConfig(SAMPLE, { path: 'arc.json' });
const SESSION = parseArcSession(JSON.stringify(NEW_SESSION), { path: 'x' });

let home: { files: MemoryFiles; stateFolder: string };
beforeEach(() => {
  home = { files: new MemoryFiles(), stateFolder: '/state' };
  home.files.texts.set('/home/arc.json', SAMPLE);
});

it('returns the content of the file', async () => {
  expect(await loadArcConfig('arc.json', home)).toEqual({
    config: ORIGINAL,
    original: ORIGINAL,
    source: 'arc.json',
    path: 'arc.json',
  });
});

it.each([
  ['a file', 'arc.json', { source: 'arc.json', path: 'arc.json' }],
  ['JSON', SAMPLE, { source: 'the inline configuration', path: undefined }],
  [
    'base64',
    Buffer.from(SAMPLE).toString('base64'),
    { source: 'the inline configuration', path: undefined },
  ],
])('uses the newest session for %s, and returns the original', async (_, value, place) => {
  await keepSessionState(ORIGINAL, SESSION, home);
  const loaded = await loadArcConfig(value, home);
  expect(loaded).toMatchObject({ ...place, original: ORIGINAL });
  expect(loaded.config.arcSessionStatus?.arcClientPeerIpAddress).toBe('10.9.8.7');
  expect(loaded.config.privateKey).toBe(loaded.original.privateKey);
});

describe('standard input', () => {
  const given = (text: string) => loadTunnelConfig(new TextEncoder().encode(text), home);

  it('returns the same as a file', async () => {
    await keepSessionState(ORIGINAL, SESSION, home);
    expect(await given(SAMPLE)).toEqual({
      ...(await loadTunnelConfig(SAMPLE, home)),
      source: 'standard input',
      path: undefined,
    });
  });

  it.each([
    ['', 'cannot use standard input: line 1: '],
    ['{"mtu": "x"}', 'cannot use standard input: 3 errors\n  line 1, mtu: found "x"'],
  ])('reports the faults of %j', async (text, message) => {
    await expect(given(text)).rejects.toThrow(message);
  });
});
