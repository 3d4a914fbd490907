import { checkPorts } from '../../../src/app/doctor/machine-checks.js';

const LISTENERS = [{ flag: '--forward-listen', host: '127.0.0.1', port: 8888 }];
const OPTIONS = { listeners: LISTENERS, mode: 'userspace' } as const;

/** Checks a port that a program of another user is using. */
function check(user: Parameters<typeof checkPorts>[2], code = 'EADDRINUSE') {
  const fault = Object.assign(new Error('listen'), { code });
  return checkPorts(OPTIONS, false, user, {
    system: { tryListen: () => Promise.resolve(fault) } as never,
    portHolder: () => Promise.resolve('a program of user 33'),
  });
}

const clause = 'a process is using this SIM';

it('finds a port that another program is using', async () => {
  for (const user of [undefined, { report: undefined, holder: undefined }]) {
    expect(await check(user)).toMatchObject({
      outcome: 'failed',
      cause: 'A program of user 33 is already listening on this port.',
    });
  }
});

it.each([undefined, 'up'] as const)(
  "does not blame a port that may be that of the SIM's %s",
  async (command) => {
    const user = { report: undefined, holder: { clause, command } };
    expect(await check(user)).toMatchObject({ outcome: 'skipped', text: `Skipped: ${clause}.` });
    expect(await check(user, 'EACCES')).toMatchObject({ outcome: 'failed' });
  },
);

it('blames a port if the process that uses the SIM does not listen', async () => {
  const user = { report: undefined, holder: { clause, command: 'send' } } as const;
  expect(await check(user)).toMatchObject({ outcome: 'failed' });
});
