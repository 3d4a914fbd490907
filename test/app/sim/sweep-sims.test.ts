import {
  sweepSims,
  type SweepOptions,
  type SweepPorts,
  type SweptSim,
} from '../../../src/app/sim/sweep-sims.js';
import type { SimResponse } from '../../../src/soracom/client/responses.js';
import { PUBLIC_KEY } from '../../arc-config/sample.js';
import { failureOf } from '../failure-of.js';
import { apiError, sim } from '../fake-soracom.js';
import { simTestPorts, type SimTestPorts } from '../sim-ports.js';

/** The fake clock reports 2,000,000, so SIMs created until 1,000,000 are old enough. */
const HOUR_LIKE = 1_000_000;
const OLD = { createdTime: 900_000 };

let ports: SimTestPorts;
beforeEach(() => {
  ports = simTestPorts();
});

const sweep = (options: Partial<SweepOptions> = {}, more: Partial<SweepPorts> = {}) =>
  sweepSims(
    {
      ...{ config: undefined, yes: true, dryRun: false, olderThan: HOUR_LIKE },
      tags: [{ tagName: 'ci', tagValue: 'job' }],
      ...options,
    },
    { ...ports, ...more },
  );
const withTags = (simId: string, tags: Record<string, string>, rest: Partial<SimResponse> = {}) =>
  sim(simId, { ...OLD, tags, ...rest });
const tagged = (simId: string, rest: Partial<SimResponse> = {}) =>
  withTags(simId, { ci: 'job' }, rest);
const terminated = () =>
  ports.api.work.flatMap((call) => /^terminateSim (.*)$/.exec(call)?.slice(1) ?? []);

describe('which SIMs', () => {
  it('terminates SIMs with the tag, the oldest first: protection first', async () => {
    ports.api.sims = [tagged('2'), tagged('1', { createdTime: 5, terminationEnabled: true })];
    const { sims, notes, failure } = await sweep();
    expect(sims.map(({ simId, outcome }) => [simId, outcome])).toEqual([
      ['1', 'terminated'],
      ['2', 'terminated'],
    ]);
    expect({ notes, failure }).toEqual({ notes: [], failure: undefined });
    expect(ports.api.calls).toEqual([
      'auth',
      'searchVirtualSims',
      ...['getSim 1', 'terminateSim 1'],
      ...['getSim 2', 'enableSimTermination 2', 'terminateSim 2'],
      'logout',
    ]);
  });

  it.each<[string, SimResponse]>([
    ['another value', withTags('1', { ci: 'other' })],
    ['a value in other letters', withTags('1', { ci: 'Job' })],
    ['another tag', withTags('1', { name: 'job' })],
    ['no tags', sim('1', { ...OLD, tags: undefined })],
    ['no creation time', tagged('1', { createdTime: undefined })],
    ['a younger age', tagged('1', { createdTime: 1_000_001 })],
    ['a terminated state', tagged('1', { status: 'terminated' })],
    ['a physical card', tagged('1', { type: 'uicc' })],
  ])('never terminates a SIM with %s', async (_, one) => {
    ports.api.sims = [one];
    expect((await sweep()).sims).toEqual([]);
    expect(ports.api.work).toEqual(['searchVirtualSims']);
  });

  it.each<[string, SimResponse, string]>([
    ['lost the tag', withTags('1', {}), 'it does not have the tag'],
    ['is terminated', tagged('1', { status: 'terminated' }), 'it is already terminated'],
    ['is another SIM', tagged('1', { createdTime: 1_500_000 }), 'it is not old enough'],
    ['has an unknown type', tagged('1', { type: undefined }), 'it is not a virtual SIM'],
  ])('keeps a SIM that %s by the time it is read again', async (_, now, reason) => {
    ports.api.sims = [now];
    ports.api.searchVirtualSims = () => Promise.resolve([tagged('1')]);
    expect((await sweep()).sims).toMatchObject([{ simId: '1', outcome: 'kept', reason }]);
    expect(terminated()).toEqual([]);
  });

  it('requires all tags', async () => {
    const tags = { ci: 'job', runner: 'a' };
    ports.api.sims = [tagged('1'), withTags('2', tags), withTags('3', { ...tags, runner: 'b' })];
    await sweep({
      tags: [
        { tagName: 'ci', tagValue: 'job' },
        { tagName: 'runner', tagValue: 'a' },
      ],
    });
    expect(terminated()).toEqual(['2']);
  });

  it('accepts every value of a tag without a value, except an empty one', async () => {
    ports.api.sims = [withTags('1', { name: '' }), withTags('2', { name: ' ' }), withTags('3', {})];
    ports.api.sims.push(withTags('4', { name: 'x' }));
    await sweep({ tags: [{ tagName: 'name', tagValue: undefined }] });
    expect(terminated()).toEqual(['4']);
  });

  it("measures the age by SORACOM's clock", async () => {
    ports.api.sims = [tagged('1', { createdTime: 4_000_000 })];
    ports.api.serverTime = 5_000_000;
    await sweep();
    expect(terminated()).toEqual(['1']);
  });

  it('keeps a SIM that a local tunnel is using', async () => {
    const profiles = {
      1: {
        iccid: '1',
        primaryImsi: undefined,
        arcClientPeerPublicKey: PUBLIC_KEY,
        arcClientPeerPrivateKey: undefined,
      },
    };
    ports.api.sims = [tagged('1', { profiles, activeProfileId: '1' })];
    const holder = JSON.stringify({ command: 'up', pid: 1234 });
    ports.claims.holders.set(Buffer.from(PUBLIC_KEY, 'base64').toString('hex'), () => holder);
    expect((await sweep()).sims).toMatchObject([
      { outcome: 'kept', reason: 'arctun up (pid 1234) is using this SIM' },
    ]);
    expect(terminated()).toEqual([]);
  });
});

describe('the notes', () => {
  it('name SIMs without tags, which an interrupted bootstrap can leave', async () => {
    ports.api.sims = [
      withTags('1', { name: '' }, { createdTime: Date.UTC(2000, 0, 1) }),
      withTags('2', { name: 'sensor' }),
      withTags('3', {}, { createdTime: Date.UTC(2000, 0, 3) }),
    ];
    ports.api.serverTime = Date.UTC(2000, 0, 2);
    const { sims, notes } = await sweep();
    expect(sims).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(
        /^Not terminated, because they have neither tags nor a name: SIM 1 \(created 2000-01-01T00:00:00Z\)\. /,
      ),
    ]);
  });
});

describe('the confirmation', () => {
  beforeEach(() => {
    ports.api.sims = [tagged('1')];
  });

  it('is required before any call to SORACOM', async () => {
    const error = await failureOf(sweep({ yes: false }));
    expect(error).toMatchObject({
      kind: 'usage',
      next: ['No SIM was terminated.', expect.stringContaining('--yes')],
    });
    expect(ports.api.calls).toEqual([]);
  });

  it.each([true, false])('is shown the SIMs, and answers %s', async (answer) => {
    const told: string[] = [];
    const swept = sweep(
      { yes: false },
      {
        onSims: (sims) => void told.push(`show ${sims.length}`),
        confirm: ([first]) => {
          told.push(`ask ${first!.simId}`, ...ports.api.work);
          return Promise.resolve(answer);
        },
      },
    );
    if (answer) await swept;
    else
      expect(await failureOf(swept)).toMatchObject({
        kind: 'failed',
        what: 'no SIM was terminated',
      });
    expect(told).toEqual(['show 1', 'ask 1', 'searchVirtualSims']);
    expect(terminated()).toEqual(answer ? ['1'] : []);
  });
});

describe('a failure', () => {
  it('of one SIM does not stop the others, and is reported', async () => {
    ports.api.sims = [tagged('1'), tagged('2'), tagged('3')];
    const terminateSim = ports.api.terminateSim;
    ports.api.terminateSim = (simId) =>
      simId === '2' ? Promise.reject(apiError(400)) : terminateSim(simId);
    const told: SweptSim[] = [];
    const { sims, failure } = await sweep({}, { onSwept: (one) => void told.push(one) });
    expect(sims.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['terminated', undefined],
      ['failed', 'HTTP 400'],
      ['terminated', undefined],
    ]);
    expect(told).toEqual(sims);
    expect(failure).toMatchObject({
      kind: 'api',
      what: '1 of 3 SIMs could not be terminated',
      why: 'cannot do that: HTTP 400',
      next: ['Do this.', 'Run the same command again to retry the SIMs that remain.'],
    });
  });
});
