import {
  terminateSim,
  type TerminateSimOptions,
  type TerminateSimPorts,
} from '../../../src/app/sim/terminate-sim.js';
import { SAMPLE, SERVER_KEY } from '../../arc-config/sample.js';
import { failureOf } from '../failure-of.js';
import { apiError, sim } from '../fake-soracom.js';
import { simTestPorts, type SimTestPorts } from '../sim-ports.js';

const SIM_ID = '8942310022000012345';

let ports: SimTestPorts;
beforeEach(() => {
  ports = simTestPorts();
  ports.files.texts.set('/home/arc.json', SAMPLE);
  ports.api.sims = [
    sim(SIM_ID, { tags: { name: 'sensor' } }),
    sim('8942', { terminationEnabled: true }),
    sim('gone', { status: 'terminated' }),
    sim('card', { type: 'euicc' }),
  ];
});

const terminate = (
  options: Partial<TerminateSimOptions> = {},
  more: Partial<TerminateSimPorts> = {},
) => terminateSim({ config: 'arc.json', ...options }, { ...ports, ...more });

it('terminates arc.json’s SIM if none is named: protection first', async () => {
  const done = await terminate({ yes: true });
  expect(done).toEqual({
    simId: SIM_ID,
    name: 'sensor',
    alreadyTerminated: false,
    notes: ['arc.json is unchanged, but no longer works.'],
  });
  expect(ports.api.calls).toEqual([
    'auth',
    `getSim ${SIM_ID}`,
    `enableSimTermination ${SIM_ID}`,
    `terminateSim ${SIM_ID}`,
    'logout',
  ]);
  expect(ports.files.calls.filter((call) => !call.startsWith('readText'))).toEqual([]);
});

it('reports that it is already terminated, and changes nothing', async () => {
  const onSim = () => {
    throw new Error('nothing is to be terminated');
  };
  const done = await terminate({ simId: 'gone', yes: true }, { onSim });
  expect(done.alreadyTerminated).toBe(true);
  expect(ports.api.work).toEqual(['getSim gone']);
});

it('never terminates a physical SIM', async () => {
  const error = await failureOf(terminate({ simId: 'card', yes: true }));
  expect(error).toMatchObject({ kind: 'usage', why: 'SIM card is not a virtual SIM' });
  expect(ports.api.work).toEqual(['getSim card']);
});

describe('a local tunnel with that SIM', () => {
  const UP = JSON.stringify({ command: 'up', pid: 1234 });
  const holderOf = async (options: Partial<TerminateSimOptions>) => {
    const holders: unknown[] = [];
    const onSim = (_: unknown, holder: unknown) => void holders.push(holder);
    await terminate({ yes: true, ...options }, { onSim });
    return holders;
  };

  it('is found by the key from SORACOM, and reported', async () => {
    const profiles = {
      8942: {
        iccid: '8942',
        primaryImsi: undefined,
        arcClientPeerPublicKey: SERVER_KEY,
        arcClientPeerPrivateKey: undefined,
      },
    };
    ports.api.sims = [sim('8942', { profiles, activeProfileId: '8942' })];
    ports.claims.holders.set(Buffer.from(SERVER_KEY, 'base64').toString('hex'), () => UP);
    expect(await holderOf({ simId: '8942' })).toEqual(['arctun up (pid 1234) is using this SIM']);
  });
});

describe('the confirmation', () => {
  it('is required before any call to SORACOM', async () => {
    const error = await failureOf(terminate());
    expect(error).toMatchObject({
      kind: 'usage',
      next: ['The SIM was not terminated.', 'Add --yes to confirm.'],
    });
    expect(ports.api.calls).toEqual([]);
  });

  it('terminates nothing if the answer is wrong', async () => {
    const error = await failureOf(terminate({}, { confirm: () => Promise.resolve(false) }));
    expect(error).toMatchObject({ kind: 'failed', what: `SIM ${SIM_ID} was not terminated` });
    expect(error.next).toEqual([expect.stringContaining('type exactly the text in parentheses')]);
    expect(ports.api.work).toEqual([`getSim ${SIM_ID}`]);
  });
});

describe('permissions', () => {
  it('are not needed to read the SIM', async () => {
    ports.api.failures.set('getSim', apiError(403));
    const shown: unknown[] = [];
    const { notes } = await terminate({ yes: true }, { onSim: (one) => void shown.push(one) });
    expect(shown).toMatchObject([{ simId: SIM_ID, name: '', status: undefined }]);
    expect(notes[0]).toContain('Sim:getSim');
    expect(ports.api.work.at(-1)).toBe(`terminateSim ${SIM_ID}`);
  });

  it('reports that a SIM may have been terminated if the response was lost', async () => {
    const failure = apiError(500);
    ports.api.failures.set('terminateSim', failure);
    const error = await failureOf(terminate({ yes: true }));
    expect(error).toMatchObject({ kind: 'api', what: failure.what, why: failure.why });
    expect(error.next.at(-1)).toContain('may already be terminated');
  });

  it('terminates only the requested SIM', async () => {
    ports.api.getSim = () => Promise.resolve(sim('8942000000000000001'));
    expect(await failureOf(terminate({ yes: true }))).toMatchObject({ kind: 'api' });
    expect(ports.api.work).toEqual([]);
  });
});
