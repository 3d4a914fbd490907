import { jest } from '@jest/globals';

import { drainSpool, judge } from '../../../src/proxy/spool/drain-spool.js';
import type { SendOutcome } from '../../../src/proxy/spool/send-request.js';
import { Spool } from '../../../src/proxy/spool/spool.js';
import { formatMessage } from '../../../src/proxy/spool/spooled-message.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { LosingDisk } from './support/losing-disk.js';

const TARGET = { host: '100.127.69.42', port: 80 };

function openSpool() {
  const disk = new LosingDisk();
  const wallClock = { unixMilliseconds: () => 1_795_989_600_000 };
  const ports = { folder: disk, wallClock, entropy: seededEntropy(1) };
  return { disk, spool: new Spool(ports, { messages: 1_000, bytes: 100_000 }) };
}

async function drain(outcomes: readonly SendOutcome[], obstacle?: () => string | undefined) {
  const { spool } = openSpool();
  for (const text of ['a', 'b', 'c']) {
    await spool.keep(formatMessage({ target: TARGET, request: Buffer.from(text) }));
  }
  const sent: string[] = [];
  const answers = [...outcomes];
  const result = await drainSpool({
    spool,
    log: silentLog,
    obstacle,
    send: async ({ target, request }) => {
      await Promise.resolve();
      expect(target).toEqual(TARGET);
      const [state] = (await spool.list()).filter((entry) => entry.state === 'sending');
      sent.push(`${Buffer.from(request).toString()} ${state === undefined ? '' : 'saved'}`);
      return answers.shift() ?? { kind: 'answered', status: 204 };
    },
  });
  const left = (await spool.list()).map(({ state, detail }) => `${state} ${detail}`.trim());
  return { sent, left, waitsFor: result.waitsFor, delivered: result.delivered };
}

const answered = (status: number) => ({ kind: 'answered', status }) as const;
const unsent = { kind: 'unsent', message: 'refused' } as const;

it('sends all messages, after it has saved that it sends them', async () => {
  expect(await drain([])).toEqual({
    sent: ['a saved', 'b saved', 'c saved'],
    left: [],
    waitsFor: undefined,
    delivered: 3,
  });
});

it('keeps the order if nothing of a message was sent', async () => {
  const result = await drain([answered(201), { kind: 'unsent', message: 'no handshake' }]);
  expect(result).toMatchObject({ left: ['queued', 'queued'], waitsFor: 'no handshake' });
});

it('stops after a message whose outcome is unknown, so that a broken target costs one', async () => {
  const result = await drain([{ kind: 'lost', message: 'reset' }]);
  expect(result).toMatchObject({ left: ['unknown lost', 'queued', 'queued'], waitsFor: 'reset' });
});

describe('a target that fails', () => {
  const [DEAD, OTHER] = [81, 82].map((port) => ({ ...TARGET, port }));

  it.each<[string, SendOutcome]>([
    ['cannot be reached', { kind: 'unsent', message: 'refused' }],
    ['loses the connection', { kind: 'lost', message: 'reset' }],
  ])('does not stop the messages for others if it %s', async (_, outcome) => {
    const { spool } = openSpool();
    for (const target of [DEAD!, OTHER!, DEAD!, OTHER!]) {
      await spool.keep(formatMessage({ target, request: Buffer.from('x') }));
    }
    const sent: number[] = [];
    const result = await drainSpool({
      ...{ spool, log: silentLog },
      send: ({ target: { port } }) => {
        sent.push(port);
        return Promise.resolve(port === DEAD!.port ? outcome : answered(200));
      },
    });
    expect(sent).toEqual([81, 82, 82]);
    expect(result).toMatchObject({
      delivered: 2,
      waitsFor: outcome.kind === 'unsent' ? 'refused' : 'reset',
    });
    expect(await spool.list()).toHaveLength(2);
  });
});

it('does not let a newer message overtake one that is queued again, when the pause ends', async () => {
  const { spool } = openSpool();
  for (const [port, text] of [
    [81, 'a'],
    [82, 'b'],
    [81, 'c'],
  ] as const) {
    await spool.keep(formatMessage({ target: { ...TARGET, port }, request: Buffer.from(text) }));
  }
  const sent: string[] = [];
  const paused = new Set<string>();
  await drainSpool({
    ...{ spool, log: silentLog },
    pauses: {
      isPaused: (target) => paused.has(target),
      failed: (target) => paused.add(target),
      delivered: () => paused.clear(),
    },
    send: ({ request }) => {
      sent.push(Buffer.from(request).toString());
      return Promise.resolve(sent.length === 1 ? unsent : answered(200));
    },
  });
  expect(sent).toEqual(['a', 'b', 'a', 'c']);
});

it('does not list the folder for each message', async () => {
  const { spool, disk } = openSpool();
  for (let count = 0; count < 250; count++) {
    await spool.keep(formatMessage({ target: TARGET, request: Buffer.from('x') }));
  }
  const lists = jest.spyOn(disk, 'list');
  const send = () => Promise.resolve(answered(200));
  expect(await drainSpool({ spool, log: silentLog, send })).toMatchObject({ delivered: 250 });
  expect(lists.mock.calls.length).toBeLessThan(10);
});

it('sends a message that is queued meanwhile', async () => {
  const { spool } = openSpool();
  const message = formatMessage({ target: TARGET, request: Buffer.from('x') });
  await spool.keep(message);
  let sent = 0;
  const send = async () => {
    if (sent++ === 0) await spool.keep(message);
    return answered(200);
  };
  expect(await drainSpool({ spool, log: silentLog, send })).toMatchObject({ delivered: 2 });
});

it('continues after a refused message', async () => {
  const result = await drain([answered(404)]);
  expect(result).toMatchObject({ left: ['refused 404'], delivered: 2, waitsFor: undefined });
});

it('sends nothing while an obstacle exists', async () => {
  const result = await drain([], () => 'the budget is used up');
  expect(result).toMatchObject({ sent: [], waitsFor: 'the budget is used up' });
});

it.each([
  [200, 'delivered'],
  [299, 'delivered'],
  [304, 'refused'],
  [400, 'refused'],
  [429, 'queued'],
  [500, 'unknown'],
  [502, 'unknown'],
  [503, 'queued'],
])('after HTTP %d a message is %s', (status, state) => {
  expect(judge(answered(status)).state).toBe(state);
});
