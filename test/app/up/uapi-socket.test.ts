import { openUapiSocket } from '../../../src/app/up/uapi-socket.js';
import type { RunningTunnel } from '../../../src/app/up/running-tunnel.js';
import type {
  Conversation,
  LocalListener,
  LocalListeners,
} from '../../../src/ports/local-sockets.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

const LISTENER: LocalListener = { close: () => Promise.resolve() };
const CONVERSATION = {} as Conversation;
let log: RecordingLog;
let paths: string[];

beforeEach(() => {
  log = new RecordingLog();
  paths = [];
});

function kept(mode: 'tun' | 'userspace'): Pick<RunningTunnel, 'tunnel' | 'up'> {
  return { tunnel: { converse: () => CONVERSATION }, up: { mode } } as unknown as RunningTunnel;
}

/**
 * Listeners that fail with the system's code, and the owner of the conflicting socket, if given.
 */
function listeners(code?: string, owner?: string): LocalListeners {
  return {
    listen: (path, converse) => {
      paths.push(path);
      expect(converse()).toBe(CONVERSATION);
      if (code === undefined) return Promise.resolve(LISTENER);
      return Promise.reject(Object.assign(new Error(`listen ${code}`), { code, owner }));
    },
  };
}

it.each(['tun', 'userspace'] as const)(
  'has the path where wg looks for it, in mode %s',
  async (mode) => {
    const opened = await openUapiSocket(kept(mode), 'soratun0', 'arc.json', {
      listeners: listeners(),
      log,
    });
    expect(opened).toBe(LISTENER);
    expect(paths).toEqual(['/var/run/wireguard/soratun0.sock']);
  },
);

it.each(['', '../x', 'a/b'])('is not created for the name %j', async (name) => {
  const opened = await openUapiSocket(kept('userspace'), name, 'arc.json', {
    listeners: listeners(),
    log,
  });
  expect(opened).toBeUndefined();
  expect(paths).toEqual([]);
});

it('fails a tunnel with an interface if another process has it', async () => {
  const ports = { listeners: listeners('EADDRINUSE'), log };
  await expect(openUapiSocket(kept('tun'), 'soratun0', 'site.json', ports)).rejects.toMatchObject({
    kind: 'failed',
    what: 'cannot listen on /var/run/wireguard/soratun0.sock',
    next: [
      expect.stringContaining('Stop that program'),
      'Or set another interface name in site.json.',
    ],
  });
});

it('causes a permission error if another user has it', async () => {
  const ports = { listeners: listeners('EADDRINUSE', 'root'), log };
  await expect(openUapiSocket(kept('tun'), 'soratun0', 'site.json', ports)).rejects.toMatchObject({
    kind: 'permission',
    why: 'permission denied: the socket is owned by root',
    next: ['Run as root, or set another interface name in site.json.'],
  });
});
