import { findSimTarget } from '../../../src/app/sim/sim-target.js';
import { FileError } from '../../../src/ports/files.js';
import { SAMPLE, sampleWith } from '../../arc-config/sample.js';
import { failureOf } from '../failure-of.js';
import { simTestPorts, type SimTestPorts } from '../sim-ports.js';

const SIM_ID = '8942310022000012345';
const TARGET = '/home/arc.json';

let home: SimTestPorts;
beforeEach(() => {
  home = simTestPorts();
  home.files.texts.set(TARGET, SAMPLE);
});

describe('a named SIM', () => {
  it('uses its own arc.json', async () => {
    const target = await findSimTarget(SIM_ID, 'arc.json', home);
    expect(target).toMatchObject({ simId: SIM_ID, notes: [] });
    expect(target.arcConfig?.source).toBe('arc.json');
    expect(target.profile?.authKeyId).toBe('keyId-abcdefgh');
  });

  it.each([
    ['absent', 'no such file'],
    ['no-folder', 'no such folder'],
  ] as const)('needs no arc.json: %s', async (failure, why) => {
    home.files.failures.set(`readText ${TARGET}`, new FileError(failure, TARGET, why));
    expect(await findSimTarget('8942', 'arc.json', home)).toEqual({
      simId: '8942',
      arcConfig: undefined,
      profile: undefined,
      notes: [],
    });
  });

  it.each([
    ['faulty', sampleWith({ mtu: 'x' }), /^The configuration was ignored: cannot use .*mtu.*\.$/],
    ['cut', '{', /^The configuration was ignored: /],
  ])('notes that arc.json is %s', async (_, text, note) => {
    home.files.texts.set(TARGET, text);
    const target = await findSimTarget('8942', 'arc.json', home);
    expect(target.arcConfig).toBeUndefined();
    expect(target.notes).toHaveLength(1);
    expect(target.notes[0]).toMatch(note);
  });

  it.each(['', '..', '../groups', 'a/b', '8942 ', '8942?x', 'x'.repeat(65)])(
    'is refused if the ID is %j',
    async (simId) => {
      const error = await failureOf(findSimTarget(simId, 'arc.json', home));
      expect(error).toMatchObject({ kind: 'usage', what: 'cannot select a SIM' });
    },
  );
});

describe('a SIM that is not named', () => {
  it('comes from arc.json', async () => {
    const target = await findSimTarget(undefined, 'arc.json', home);
    expect(target.simId).toBe(SIM_ID);
    expect(target.arcConfig?.original.simId).toBe(SIM_ID);
    expect(target.profile?.authKeyId).toBe('keyId-abcdefgh');
  });
});
