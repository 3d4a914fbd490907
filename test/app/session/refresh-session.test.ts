import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { FileError } from '../../../src/ports/files.js';
import { refreshSession } from '../../../src/app/session/refresh-session.js';
import { withNewestSession } from '../../../src/app/session/session-state.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import { SAMPLE, sampleWith, sampleWithSession } from '../../arc-config/sample.js';
import { failureOf } from '../failure-of.js';
import { apiError, FakeSoracom, NEW_SESSION } from '../fake-soracom.js';

const SIM_ID = '8942310022000012345';
const TARGET = '/home/arc.json';
const STATE = `/state/session-${SIM_ID}.json`;
const ORIGINAL = parseArcConfig(SAMPLE, { path: 'arc.json' });

let api: FakeSoracom;
let files: MemoryFiles;
let home: { files: MemoryFiles; stateFolder: string };
beforeEach(() => {
  api = new FakeSoracom();
  files = new MemoryFiles();
  files.texts.set(TARGET, SAMPLE);
  home = { files, stateFolder: '/state' };
});

const refresh = (path: string | undefined = 'arc.json', original = ORIGINAL) =>
  refreshSession({ original, path }, api, home);
const arcJson = () => JSON.parse(files.texts.get(TARGET)!) as Record<string, unknown>;

it('replaces all four fields in arc.json, and nothing else', async () => {
  const { config, keptIn, notice } = await refresh();
  expect(api.calls).toEqual([`createArcSession ${SIM_ID}`]);
  expect(arcJson()).toEqual({ ...(JSON.parse(SAMPLE) as object), arcSessionStatus: NEW_SESSION });
  expect(config.arcSessionStatus?.arcClientPeerIpAddress).toBe('10.9.8.7');
  expect({ keptIn, notice }).toEqual({ keptIn: TARGET, notice: undefined });
});

it('keeps fields that the user has added to the session', async () => {
  await refresh('arc.json', parseArcConfig(sampleWithSession({ vpgId: 'v' }), { path: 'a' }));
  expect(arcJson().arcSessionStatus).toEqual({ ...NEW_SESSION, vpgId: 'v' });
});

it('adds a session if the configuration has none', async () => {
  const without = sampleWith({ arcSessionStatus: undefined });
  const original = parseArcConfig(without, { path: 'a' });
  await refresh('arc.json', original);
  expect(arcJson().arcSessionStatus).toEqual(NEW_SESSION);
  files.failures.set(`replaceText ${TARGET}`, new FileError('denied', TARGET, 'read-only'));
  const { config } = await refresh('arc.json', original);
  expect(await withNewestSession(original, home)).toEqual(config);
});

it('writes the session to the state folder if arc.json cannot be written', async () => {
  files.failures.set(`replaceText ${TARGET}`, new FileError('denied', TARGET, 'read-only'));
  const { config, keptIn, notice } = await refresh();
  expect(files.texts.get(TARGET)).toBe(SAMPLE);
  expect(keptIn).toBe(STATE);
  expect(notice).toBe(
    `The new session was saved in ${STATE} instead: cannot write ${TARGET}: read-only.`,
  );
  expect(await withNewestSession(ORIGINAL, home)).toEqual(config);
});

it('writes the session to the state folder if the configuration is not a file', async () => {
  const result = await refreshSession({ original: ORIGINAL, path: undefined }, api, home);
  expect(result.notice).toBe(
    `The new session was saved in ${STATE} instead: the configuration was not read from a file.`,
  );
  expect(files.texts.get(TARGET)).toBe(SAMPLE);
});

it('applies to this process only if nothing can be written', async () => {
  files.failures.set(`replaceText ${TARGET}`, new FileError('denied', TARGET, 'read-only'));
  files.failures.set('createFolder /state', new FileError('denied', '/state', 'not yours'));
  const { config, keptIn, notice } = await refresh();
  expect(config.arcSessionStatus?.arcClientPeerIpAddress).toBe('10.9.8.7');
  expect(keptIn).toBeUndefined();
  expect(notice).toContain(
    'could not be saved: cannot write /home/arc.json: read-only; /state: not yours.',
  );
});

it('changes nothing if SORACOM refuses', async () => {
  api.failures.set('createArcSession', apiError(403));
  await expect(refresh()).rejects.toMatchObject({ kind: 'api' });
  expect(files.calls).toEqual([]);
});

it('changes nothing if the session is unusable', async () => {
  api.session = { ...NEW_SESSION, arcServerPeerPublicKey: 'short' };
  const error = await failureOf(refresh());
  expect(error.kind).toBe('api');
  expect(error.what).toBe(`cannot use the new Arc session of SIM ${SIM_ID}`);
  expect(files.calls).toEqual([]);
});

it.each([`replaceText ${TARGET}`, `replaceText ${STATE}`])('passes a bug on: %s', async (call) => {
  files.failures.set(`replaceText ${TARGET}`, new FileError('denied', TARGET, 'read-only'));
  const bug = new TypeError('a bug');
  files.failures.set(call, bug);
  await expect(refresh()).rejects.toBe(bug);
});
