import { openControlSocket } from '../../../src/app/status/offer-status.js';
import type { Conversation, LocalListeners } from '../../../src/ports/local-sockets.js';
import { systemError } from '../../support/fakes/memory-network.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

const CONVERSATION: Conversation = {
  isOver: true,
  handle: () => Promise.resolve(''),
  close: () => undefined,
};

function setUp(refusals: Readonly<Record<string, string>> = {}) {
  const asked: string[] = [];
  const closed: string[] = [];
  let converse: () => Conversation = () => CONVERSATION;
  const listeners: LocalListeners = {
    async listen(path, handler) {
      await Promise.resolve();
      asked.push(path);
      const found = Object.entries(refusals).find(([start]) => path.startsWith(start));
      if (found !== undefined) throw systemError('listen', found[1]);
      converse = handler;
      return {
        close: async () => {
          await Promise.resolve();
          closed.push(path);
        },
      };
    },
  };
  const log = new RecordingLog();
  const names: string[] = [];
  const open = (interfaceName: string, folders = ['/one', '/two']) =>
    openControlSocket(
      { folders, interfaceName, pid: 7 },
      (name) => {
        names.push(name);
        return CONVERSATION;
      },
      { listeners, log },
    );
  return { open, asked, closed, log, names, connect: () => converse() };
}

it('is named after the interface, in the first folder', async () => {
  const { open, asked, closed, log, names, connect } = setUp();
  const socket = await open('soratun0');
  expect(socket?.name).toBe('soratun0');
  expect(asked).toEqual(['/one/soratun0.sock']);
  expect(connect()).toBe(CONVERSATION);
  expect(names).toEqual(['soratun0']);
  await socket?.close();
  expect(closed).toEqual(asked);
  expect(log.lines).toEqual([]);
});

it('includes the process ID if the name is taken', async () => {
  const { open, asked, connect, names } = setUp({ '/one/soratun0.sock': 'EADDRINUSE' });
  expect((await open('soratun0'))?.name).toBe('soratun0-7');
  expect(asked).toEqual(['/one/soratun0.sock', '/one/soratun0-7.sock']);
  connect();
  expect(names).toEqual(['soratun0-7']);
});

it.each(['', '.', '..', '../x', 'a/b', 'a b', 'a\0', 'ä', 'x'.repeat(65)])(
  'is named only by that ID if %j is not a valid file name',
  async (interfaceName) => {
    const { open, asked } = setUp();
    expect((await open(interfaceName))?.name).toBe('arctun-7');
    expect(asked).toEqual(['/one/arctun-7.sock']);
  },
);

it.each(['EACCES', 'EROFS', 'ENOENT', 'ENOTDIR'])(
  'is in the next folder if the first fails with %s',
  async (code) => {
    const { open, asked } = setUp({ '/one': code });
    expect((await open('soratun0'))?.name).toBe('soratun0');
    expect(asked).toEqual(['/one/soratun0.sock', '/two/soratun0.sock']);
  },
);

it('never has a path that the system would truncate', async () => {
  const { open, asked } = setUp();
  const long = `/${'x'.repeat(107 - '/soratun0.sock'.length)}`;
  await open('soratun0', [long, '/two']);
  expect(asked).toEqual(['/two/soratun0.sock']);
  await open('soratun0', [long.slice(1)]);
  expect(asked[1]).toHaveLength(107);
});

it('is omitted with a warning', async () => {
  const { open, log } = setUp({ '/': 'EROFS' });
  expect(await open('soratun0')).toBeUndefined();
  expect(log.lines).toEqual([
    {
      level: 'warn',
      fields: { reason: 'listen EROFS' },
      message:
        'cannot create the control socket, so other arctun commands will not find this tunnel',
    },
  ]);
});

it('is omitted with the reason on a system without folders for sockets', async () => {
  const { open, asked, log } = setUp();
  expect(await open('soratun0', [])).toBeUndefined();
  expect(asked).toEqual([]);
  const reason = 'this system does not support Unix sockets';
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { reason } }]);
});
