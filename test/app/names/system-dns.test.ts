import {
  type InterfaceDns,
  removeLeftDns,
  setUpSystemDns,
} from '../../../src/app/names/system-dns.js';
import { TUNNEL_NAMES } from '../../../src/app/up/listeners/tunnel-names.js';
import { CommandError, type CommandResult } from '../../../src/ports/command-runner.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { FakeCommands } from '../fake-commands.js';

let commands: FakeCommands;
let log: RecordingLog;

beforeEach(() => {
  commands = new FakeCommands();
  log = new RecordingLog();
});

const DNS: InterfaceDns = {
  manager: 'resolved',
  domains: [],
  interfaceName: 'arc0',
  nameServers: ['100.127.0.53', 'fd00::53'],
};
const ABSENT = new CommandError('not-found', 'x: the program was not found');

const setUp = (changes: Partial<InterfaceDns> = {}, signal?: AbortSignal) =>
  setUpSystemDns({ ...DNS, ...changes }, { commands, log }, signal);

/** A system on which systemd-resolved runs, with this relation to /etc/resolv.conf. */
const resolved = (mode: string): Partial<CommandResult> => ({
  stdout: `Global\n         Protocols: +LLMNR\n  resolv.conf mode: ${mode}\n`,
});

const STATUS = 'resolvectl --no-pager status';
const REVERT = 'resolvectl --no-ask-password revert arc0';
const ADD = 'resolvconf -a tun.arc0 -m 0 -x';
const DELETE = 'resolvconf -d tun.arc0 -f';

it('routes only the names of the tunnel to the interface, and names the servers last', async () => {
  commands.ends.set('resolvectl', resolved('stub'));
  const { undo } = await setUp({ domains: ['camera.example'] });
  const names = [...TUNNEL_NAMES, 'camera.example'].map((name) => `~${name}`).join(' ');
  const steps = [
    `domain arc0 ${names}`,
    'default-route arc0 no',
    'dnsovertls arc0 no',
    'dnssec arc0 no',
    'dns arc0 100.127.0.53 fd00::53',
  ];
  const set = steps.map((step) => `resolvectl --no-ask-password ${step}`);
  expect(commands.lines).toEqual([STATUS, ...set]);
  expect(names).not.toContain('~soracom.io');
  await undo();
  expect(commands.lines.at(-1)).toBe(REVERT);
  expect(log.messages('warn')).toEqual([]);
});

it('routes all names to the interface only if the user wants that', async () => {
  await setUp({ domains: ['.'] });
  expect(commands.lines).toContain('resolvectl --no-ask-password default-route arc0 yes');
  expect(commands.lines.find((line) => line.includes(' domain '))).toMatch(/ ~\.$/);
});

it('gives the name servers to resolvconf, and removes them', async () => {
  const { undo } = await setUp({ manager: 'resolvconf' });
  expect(commands.lines).toEqual([ADD]);
  expect(commands.ran[0]?.options.input).toBe('nameserver 100.127.0.53\nnameserver fd00::53\n');
  await undo();
  expect(commands.lines).toEqual([ADD, DELETE]);
});

it('does not pass credentials or Ctrl-C to the tools', async () => {
  await setUp({ manager: 'resolvconf' });
  const { withoutVariables, ownGroup } = commands.ran[0]!.options;
  expect(ownGroup).toBe(true);
  expect(withoutVariables?.('ARCTUN_AUTH_KEY', 'x')).toBe(true);
  expect(withoutVariables?.('PATH', '/bin')).toBe(false);
});

describe('auto', () => {
  const chosen = async () => {
    await setUp({ manager: 'auto' });
    return commands.lines.includes(ADD) ? 'resolvconf' : 'resolved';
  };

  it.each(['stub', 'static'])('uses systemd-resolved if resolv.conf is %s', async (mode) => {
    commands.ends.set('resolvectl', resolved(mode));
    expect(await chosen()).toBe('resolved');
    expect(log.messages('warn')).toEqual([]);
  });

  it.each(['foreign', 'missing', 'uplink'])(
    'prefers resolvconf if resolv.conf is %s, because programs do not use systemd-resolved',
    async (mode) => {
      commands.ends.set('resolvectl', resolved(mode));
      expect(await chosen()).toBe('resolvconf');
    },
  );

  it.each([
    ['is not installed', ABSENT],
    ['does not run', { exitCode: 1 }],
  ])('uses resolvconf if systemd-resolved %s', async (_name, end) => {
    commands.ends.set('resolvectl', end);
    expect(await chosen()).toBe('resolvconf');
  });

  it('does not confuse the resolvconf of systemd-resolved with resolvconf', async () => {
    commands.ends.set('resolvectl', resolved('foreign'));
    commands.ends.set('resolvconf', { stdout: 'systemd 257 (257.13-1~deb13u1)\n' });
    expect(await chosen()).toBe('resolved');
    expect(log.messages('warn')).toEqual([
      'most programs do not use systemd-resolved, because /etc/resolv.conf does not lead to it',
    ]);
  });

  it('fails if neither is available', async () => {
    commands.ends.set('resolvectl', ABSENT);
    commands.ends.set('resolvconf', ABSENT);
    await expect(chosen()).rejects.toMatchObject({
      kind: 'failed',
      what: 'cannot set up DNS for the tunnel (--dns-setup=auto)',
    });
  });
});

it.each([
  ['Failed to set DNS: Interactive authentication required.', 'permission'],
  ['Error: Permission denied', 'permission'],
  ['Failed to resolve interface "arc0"', 'failed'],
  ['', 'failed'],
])('puts the settings back if a step fails with %j', async (stderr, kind) => {
  commands.onRun = () => {
    const isLast = commands.lines.at(-1)?.includes(' dnssec ');
    commands.ends.set('resolvectl', isLast ? { exitCode: 1, stderr } : {});
  };
  await expect(setUp()).rejects.toMatchObject({
    kind,
    what: 'cannot set up DNS for the tunnel with systemd-resolved',
    why: stderr || 'exit status 1',
  });
  expect(commands.lines.at(-1)).toBe(REVERT);
  expect(commands.lines.some((line) => line.includes(' dns arc0'))).toBe(false);
});

it('puts the settings back if it is stopped', async () => {
  const stop = new AbortController();
  commands.ends.set('resolvconf', 'hangs');
  commands.onRun = () => {
    setImmediate(() => {
      commands.ends.delete('resolvconf');
      stop.abort(new Error('stop'));
    });
  };
  await expect(setUp({ manager: 'resolvconf' }, stop.signal)).rejects.toThrow('stop');
  expect(commands.lines).toEqual([ADD, DELETE]);
});

it('only warns if the settings cannot be put back', async () => {
  const { undo } = await setUp({ manager: 'resolvconf' });
  commands.ends.set('resolvconf', new CommandError('timeout', 'resolvconf did not exit'));
  await undo();
  expect(log.messages('warn')).toEqual(['cannot put back the settings of resolvconf']);
});

it('removes what a killed process left behind, if resolvconf is installed', async () => {
  await removeLeftDns('arc0', { commands });
  expect(commands.lines).toEqual([DELETE]);
  commands.ends.set('resolvconf', ABSENT);
  await removeLeftDns('arc0', { commands });
});
