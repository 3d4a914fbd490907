import {
  terminateSim,
  type TerminateSimOptions,
  type TerminateSimPorts,
} from '../../../src/app/sim/terminate-sim.js';
import { PUBLIC_KEY, SAMPLE, SERVER_KEY } from '../../arc-config/sample.js';
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

it('terminates the named SIM, without mention of the arc.json of another one', async () => {
  const done = await terminate({ simId: '8942', yes: true });
  expect(done).toMatchObject({ simId: '8942', notes: [] });
  expect(ports.api.work).toEqual(['getSim 8942', 'terminateSim 8942']);
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

  it('is found by the key in arc.json, and reported', async () => {
    ports.claims.holders.set(Buffer.from(PUBLIC_KEY, 'base64').toString('hex'), () => UP);
    expect(await holderOf({})).toEqual(['arctun up (pid 1234) is using this SIM']);
    expect(await holderOf({ simId: '8942' })).toEqual([undefined]);
  });

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

  it('shows the SIM', async () => {
    const told: string[] = [];
    await terminate(
      {},
      {
        onSim: ({ name }) => void told.push(`show ${name}`),
        confirm: ({ simId }) => {
          told.push(`ask ${simId}`, ...ports.api.work);
          return Promise.resolve(true);
        },
      },
    );
    expect(told).toEqual(['show sensor', `ask ${SIM_ID}`, `getSim ${SIM_ID}`]);
    expect(ports.api.work.at(-1)).toBe(`terminateSim ${SIM_ID}`);
  });

  it('is skipped with --yes', async () => {
    const confirm = () => Promise.reject(new Error('asked'));
    await terminate({ yes: true }, { confirm });
    expect(ports.api.work.at(-1)).toBe(`terminateSim ${SIM_ID}`);
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

  it('are not needed to remove the protection', async () => {
    ports.api.failures.set('enableSimTermination', apiError(403));
    expect((await terminate({ yes: true })).alreadyTerminated).toBe(false);
    expect(ports.api.work.at(-1)).toBe(`terminateSim ${SIM_ID}`);
  });

  it('are both reported if the protection had to be removed', async () => {
    ports.api.failures.set('enableSimTermination', apiError(403));
    ports.api.failures.set('terminateSim', apiError(400));
    const error = await failureOf(terminate({ yes: true }));
    expect(error.kind).toBe('api');
    expect(error.why).toBe(
      'HTTP 400; the termination protection of the SIM could not be removed (HTTP 403)',
    );
    expect(error.next).toEqual(['Do this.']);
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

  it.each(['getSim', 'enableSimTermination'])(
    'passes on other failures of %s',
    async (operation) => {
      const failure = apiError(500);
      ports.api.failures.set(operation, failure);
      await expect(terminate({ yes: true })).rejects.toBe(failure);
      expect(ports.api.work.at(-1)).toBe(`${operation} ${SIM_ID}`);
    },
  );
});
