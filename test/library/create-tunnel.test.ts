import { once } from 'node:events';

import { bootstrap, createTunnel } from '../../src/index.js';
import { EmulatedAccount, failureOf } from './emulated-account.js';

let account: EmulatedAccount;
let config: string;
afterAll(() => account.close());
beforeAll(async () => {
  account = await EmulatedAccount.start();
  config = account.path('arc.json');
  await bootstrap({ ...account.signIn, path: config });
});

it.each([
  [undefined, 60],
  [0, 0],
  [7, 7],
  [65_535, 65_535],
])('uses persistentKeepalive %p instead of the value in arc.json', async (seconds, used) => {
  const options = seconds === undefined ? {} : { persistentKeepalive: seconds };
  const tunnel = await createTunnel({ config, ...options });
  const { peers } = await tunnel.status();
  expect(peers[0]?.persistentKeepalive).toBe(used);
  await tunnel.close({ gracePeriod: 0 });
});

it.each([
  ['wait', ['2000', -1, NaN, null], 'a number that is not negative'],
  ['congestion', ['vegas', null], 'bbr, cubic or reno'],
  ['logLevel', ['loud', null], 'silent, error, warn, info, debug or trace'],
  ['signal', [3, {}, null], 'an AbortSignal'],
  [
    'budget',
    [
      null,
      5_000,
      {},
      { dayBytes: 999 },
      { dayBytes: '5000' },
      { day: 5_000 },
      { dayBytes: 1e3, x: 1 },
    ],
    'an object with dayBytes, monthBytes or both, which are at least 1000',
  ],
])('refuses %s with a wrong value', async (name, values, expected) => {
  for (const value of values) {
    expect(await failureOf(createTunnel({ config, [name]: value }))).toMatchObject({
      kind: 'usage',
      message: `cannot use the ${name} option of createTunnel: the option must be ${expected}`,
    });
  }
});

it.each(['persistentKeepAlive', 'timeout', 'toString'])(
  'refuses the unknown option %s',
  async (name) => {
    const options = { config, [name]: undefined };
    expect(await failureOf(createTunnel(options))).toMatchObject({
      kind: 'usage',
      message: `cannot use the ${name} option of createTunnel: the option does not exist`,
      next: [
        'Use only these options: budget, config, congestion, logLevel, persistentKeepalive, renewal, signal, wait.',
      ],
    });
  },
);

it('keeps a traffic budget over several tunnels', async () => {
  const budget = { dayBytes: 60_000, monthBytes: 1e9 };
  const first = await createTunnel({ config, budget });
  const response = await first.fetch('http://100.127.69.42/bytes/70000');
  await response.arrayBuffer().catch(() => undefined);
  await first.close();
  const second = await createTunnel({ config, budget });
  const used = (await second.status()).traffic?.budget?.map(({ per, usedBytes }) => [
    per,
    usedBytes,
  ]);
  expect(used).toEqual([
    ['day', expect.any(Number)],
    ['month', expect.any(Number)],
  ]);
  expect(used![0]![1]).toBeGreaterThan(60_000);
  const socket = second.connect({ host: '100.127.69.42', port: 80 });
  const [error] = (await once(socket, 'error')) as [Error];
  expect(error).toMatchObject({ code: 'EDQUOT', cause: { reason: 'over-budget' } });
  await second.close();
});

it('does not ask SORACOM without the option renewal', async () => {
  const before = (await account.emulator.calls()).length;
  const tunnel = await createTunnel({ config });
  await tunnel.close();
  expect(await account.emulator.calls()).toHaveLength(before);
});

it('reads the options when it is called, although it waits for other calls', async () => {
  const missing = account.path('missing.json');
  const failed = Array.from({ length: 8 }, () => failureOf(createTunnel({ config: missing })));
  const options = { config, persistentKeepalive: 7, budget: { dayBytes: 1e6 } };
  const opening = createTunnel(options);
  options.config = missing;
  options.persistentKeepalive = 9;
  options.budget.dayBytes = 2e6;
  await Promise.all(failed);
  const tunnel = await opening;
  const { peers, traffic } = await tunnel.status();
  expect(peers[0]?.persistentKeepalive).toBe(7);
  expect(traffic?.budget).toMatchObject([{ per: 'day', bytes: 1e6 }]);
  await tunnel.close({ gracePeriod: 0 });
});

it('opens a tunnel after calls that fail and a call that is aborted', async () => {
  const missing = account.path('missing.json');
  const reason = new Error('enough');
  const controller = new AbortController();
  const failed = Array.from({ length: 8 }, () => failureOf(createTunnel({ config: missing })));
  const aborted = failureOf(createTunnel({ config, signal: controller.signal }));
  const last = createTunnel({ config });
  controller.abort(reason);
  expect(await aborted).toBe(reason);
  for (const failure of await Promise.all(failed)) expect(String(failure)).toContain(missing);
  await (await last).close();
});
