import { SimJournal, type JournalStep } from '../../../src/app/bootstrap/sim-journal.js';
import { FileError } from '../../../src/ports/files.js';
import { MemoryJournals } from '../../arc-config/memory-journals.js';
import { failureOf } from '../failure-of.js';

const TARGET = 'arc.json';
const CREATE: JournalStep = {
  step: 'create-sim',
  since: 1000,
  clock: 'platform',
  endpoint: 'https://api.soracom.io',
  ownKey: true,
};
const CREATED: JournalStep = { step: 'created', simId: '1', arcJson: '{}' };
const RENEW: JournalStep = { step: 'renew-key', simId: '1', privateKey: 'a', publicKey: 'b' };
const REFUSED: JournalStep = { step: 'renewal-refused', simId: '1' };

let journals: MemoryJournals;
beforeEach(() => {
  journals = new MemoryJournals();
});

/** The journal of this process, with its first step. */
async function start(): Promise<SimJournal> {
  const journal = new SimJournal(journals, TARGET);
  await journal.add(CREATE);
  return journal;
}

/** A journal with these lines from an earlier process. */
function leave(...lines: (JournalStep | string)[]): void {
  journals.lines.set(
    TARGET,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))),
  );
}

describe('a journal', () => {
  it('begins with its first step and accepts more', async () => {
    const journal = await start();
    await journal.add(CREATED);
    expect(journals.lines.get(TARGET)).toEqual([JSON.stringify(CREATE), JSON.stringify(CREATED)]);
    await journal.end();
    expect(journals.lines.has(TARGET)).toBe(false);
  });

  it('is refused if another run has one', async () => {
    leave(CREATE);
    const error = await failureOf(start());
    expect(error.kind).toBe('failed');
    expect(error.why).toContain('another run has just started to create this file');
  });

  it.each([
    ['denied', 'permission'],
    ['failed', 'failed'],
  ] as const)('that cannot be written (%s) is reported as %s', async (failure, kind) => {
    journals.failures.set('create', new FileError(failure, '/x/.arc.json', 'not today'));
    const error = await failureOf(start());
    expect(error.kind).toBe(kind);
    expect(error.why).toBe('/x/.arc.json: not today');
  });
});

describe('SimJournal.open', () => {
  it('finds nothing if there was no journal', async () => {
    expect((await SimJournal.open(journals, TARGET)).line).toBe('none');
  });

  it.each<[string, JournalStep[], object]>([
    ['only asked', [CREATE], { createSim: CREATE }],
    ['answered', [CREATE, CREATED], { createSim: CREATE, created: CREATED }],
    [
      'about to renew',
      [CREATE, CREATED, RENEW],
      { createSim: CREATE, created: CREATED, renewKey: RENEW },
    ],
    ['only a renewal', [RENEW], { renewKey: RENEW }],
    ['a renewal that was refused', [CREATE, RENEW, REFUSED], { createSim: CREATE }],
    ['a renewal after one that was refused', [RENEW, REFUSED, RENEW], { renewKey: RENEW }],
  ])('returns how far a run got: %s', async (_, lines, progress) => {
    leave(...lines);
    const found = await SimJournal.open(journals, TARGET);
    expect(found.progress).toEqual(progress);
    expect(found.path).toBe('arc.json.bootstrap');
    expect(journals.lines.has(TARGET)).toBe(true);
  });

  it('uses the newest step of each kind', async () => {
    leave(RENEW, { ...RENEW, privateKey: 'newer' });
    const found = await SimJournal.open(journals, TARGET);
    expect(found.progress.renewKey?.privateKey).toBe('newer');
  });

  it('refuses a journal without a complete line, because it is created with one', async () => {
    leave();
    expect(await failureOf(SimJournal.open(journals, TARGET))).toMatchObject({
      kind: 'configuration',
    });
    expect(journals.lines.has(TARGET)).toBe(true);
  });

  it('removes a journal whose only key was refused', async () => {
    leave(RENEW, REFUSED);
    expect((await SimJournal.open(journals, TARGET)).line).toBe('none');
    expect(journals.lines.has(TARGET)).toBe(false);
  });

  it.each(['not JSON', '{"step":"of the future"}', '{"step":"renew-key","simId":"1"}', '[]'])(
    'never treats a journal that it cannot read as empty: %s',
    async (line) => {
      leave(CREATE, line);
      const error = await failureOf(SimJournal.open(journals, TARGET));
      expect(error.kind).toBe('configuration');
      expect(error.why).toContain('cannot read its journal (arc.json.bootstrap)');
      expect(journals.lines.get(TARGET)).toHaveLength(2);
    },
  );

  it('is refused while the other run is still active', async () => {
    leave(CREATE);
    journals.runningProcess = 4711;
    const error = await failureOf(SimJournal.open(journals, TARGET));
    expect(error.kind).toBe('failed');
    expect(error.why).toBe('process 4711 is already using it (arc.json.bootstrap)');
    expect(journals.lines.has(TARGET)).toBe(true);
  });
});
