import { findDevices } from '../../../src/app/status/find-devices.js';
import { CommandError } from '../../../src/ports/command-runner.js';
import { FakeConnections } from '../../support/fakes/fake-connections.js';
import { FakeCommands } from '../fake-commands.js';

const KEY = 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=';
const kernelDevice = (name: string) => `${name}\t(none)\t${KEY}\t7\toff\n`;

function setUp(platform = 'linux') {
  const connections = new FakeConnections();
  const commands = new FakeCommands();
  commands.ends.set('wg', new CommandError('not-found', 'wg: the program was not found'));
  const find = (...ours: string[]) =>
    findDevices(ours, { connections, commands, platform, publicKeyOf: (key) => key });
  const listen = (name: string, answer: string | { readonly code: string } = 'errno=0\n\n') =>
    connections.sockets.set(`/var/run/wireguard/${name}.sock`, answer);
  return { connections, commands, find, listen };
}

const found = ({ devices }: Awaited<ReturnType<typeof findDevices>>) =>
  devices.map(({ name, type }) => `${name} (${type})`);

it('finds nothing without devices or wg', async () => {
  const { find, commands } = setUp();
  await expect(find()).resolves.toEqual({ devices: [], notes: [] });
  expect(commands.lines).toEqual(['wg show all dump']);
});

it('finds the kernel’s devices, then those with a socket, each once', async () => {
  const { find, commands, listen } = setUp();
  listen('wg1', 'listen_port=9\nerrno=0\n\n');
  listen('soratun0');
  commands.ends.set('wg', {
    stdout: ['wg1', 'wg2', 'soratun0', 'soratun1'].map(kernelDevice).join(''),
  });
  const result = await find('soratun0', 'soratun1');
  expect(found(result)).toEqual(['wg2 (Linux kernel)', 'wg1 (userspace)']);
  expect(result.devices.map(({ listenPort }) => listenPort)).toEqual([7, 9]);
  expect(result.devices[0]!.publicKey).toBe(KEY);
});

it('does not query arctun’s own devices', async () => {
  const { find, connections, listen } = setUp();
  listen('soratun0');
  await expect(find('soratun0')).resolves.toEqual({ devices: [], notes: [] });
  expect(connections.asked).toEqual([]);
});

it('excludes devices with an abandoned socket, and reports others that fail', async () => {
  const { find, listen } = setUp();
  listen('a', { code: 'ECONNREFUSED' });
  listen('b', { code: 'EACCES' });
  listen('c', 'errno=-22\n\n');
  listen('d');
  const result = await find();
  expect(found(result)).toEqual(['d (userspace)']);
  expect(result.notes).toEqual([
    'cannot query /var/run/wireguard/b.sock: connect EACCES',
    "cannot query /var/run/wireguard/c.sock: the response is not in WireGuard's format",
  ]);
});

it('includes what wg prints, and reports if wg cannot run', async () => {
  const { find, commands } = setUp();
  commands.ends.set('wg', {
    exitCode: 1,
    stderr: 'Unable to access interface wg0: Operation not permitted\n',
  });
  expect((await find()).notes).toEqual([
    'wg: Unable to access interface wg0: Operation not permitted',
  ]);
  commands.ends.set('wg', new CommandError('denied', 'wg: the program is not executable'));
  expect((await find()).notes).toEqual([
    'cannot run wg show all dump: wg: the program is not executable',
  ]);
});

it.each([
  ['freebsd', 'FreeBSD kernel'],
  ['openbsd', 'OpenBSD kernel'],
  ['win32', 'Windows kernel'],
  ['darwin', 'unknown'],
])('uses the system’s device names on %s', async (platform, type) => {
  const { find, commands } = setUp(platform);
  commands.ends.set('wg', { stdout: kernelDevice('wg0') });
  expect(found(await find())).toEqual([`wg0 (${type})`]);
});
