import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';

import type { PassedSocket } from '../../src/ports/passed-socket.js';
import { startForwarder } from '../../src/proxy/forward/forwarder.js';
import { openPassedSockets } from '../../src/proxy/open-passed-sockets.js';
import { type Libc, loadLibc } from '../../src/system/linux/libc.js';
import { RecordingLog } from '../support/fakes/recording-log.js';
import { describeWith } from '../support/runner/requirements.js';

describeWith(['linux', 'koffi'], 'passed sockets', () => {
  let libc: Libc;
  let log: RecordingLog;
  let servers: Server[];

  beforeEach(async () => {
    libc = (await loadLibc())!;
    log = new RecordingLog();
    servers = [];
  });
  afterEach(() => servers.forEach((server) => server.close()));

  /** A listening socket, as a service manager opens it. */
  async function passed(host: string): Promise<{ socket: PassedSocket; port: number }> {
    const opener = createServer().listen(0, host);
    await once(opener, 'listening');
    const { port } = opener.address() as AddressInfo;
    const { fd } = (opener as unknown as { _handle: { fd: number } })._handle;
    const copy = libc.bind('int dup(int)')(fd);
    opener.close();
    await once(opener, 'close');
    return { socket: { fd: copy, name: 'forward', path: undefined }, port };
  }

  function open(sockets: readonly PassedSocket[], allowOpen = false) {
    const server = createServer((connection) => connection.end('served'));
    servers.push(server);
    return openPassedSockets(
      server,
      { passed: sockets, allowOpen, otherwise: ['Or lock it.'] },
      { risk: 'send', log },
    ).then((opened) => {
      servers.push(...opened.others);
      return opened;
    });
  }

  async function answer(host: string, port: number): Promise<string> {
    const client = connect(port, host);
    let text = '';
    client.on('data', (bytes) => (text += bytes.toString()));
    await once(client, 'close');
    return text;
  }

  it('serves all sockets, and reports the address of the first', async () => {
    const [first, second] = [await passed('127.0.0.1'), await passed('::1')];
    const { authority, others } = await open([first.socket, second.socket]);
    expect(authority).toBe(`127.0.0.1:${first.port}`);
    expect(others).toHaveLength(1);
    expect(await answer('127.0.0.1', first.port)).toBe('served');
    expect(await answer('::1', second.port)).toBe('served');
    // An error without a listener would end the process.
    others[0]!.emit('error', new Error('out of descriptors'));
    expect(log.messages('error')).toEqual(['the listener failed']);
  });

  it('refuses a socket that other machines can reach, and closes the others', async () => {
    const [first, second] = [await passed('127.0.0.1'), await passed('0.0.0.0')];
    await expect(open([first.socket, second.socket])).rejects.toMatchObject({
      kind: 'usage',
      what: 'cannot use the socket "forward" of the service manager',
      why: expect.stringContaining(`0.0.0.0:${second.port} is not a loopback address`) as string,
      next: [
        `In the socket unit, set ListenStream=127.0.0.1:${second.port}.`,
        'Or lock it.',
        expect.stringContaining('--allow-open') as string,
      ],
    });
    for (const { port } of [first, second]) {
      const [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [Error];
      expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    }
  });

  it('closes all sockets with the listener', async () => {
    const sockets = [await passed('127.0.0.1'), await passed('127.0.0.1')];
    const listener = await startForwarder({
      listen: { passed: sockets.map(({ socket }) => socket), allowOpen: false },
      target: { host: '192.0.2.1', port: 80 },
      headers: [],
      dialer: { dial: () => Promise.reject(new Error('never')) },
      log,
    });
    await listener.close({ graceMs: 0 });
    for (const { port } of sockets) {
      const [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [Error];
      expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    }
  });

  it('warns about such a socket if it is allowed', async () => {
    const { socket, port } = await passed('0.0.0.0');
    const { authority } = await open([socket], true);
    expect(authority).toBe(`0.0.0.0:${port}`);
    expect(log.messages('warn')).toEqual([`anyone who can reach 0.0.0.0:${port} can send`]);
  });

  it('refuses a descriptor that is not a listening socket', async () => {
    const fd = openSync('/dev/null', 'r');
    try {
      await expect(open([{ fd, name: 'proxy', path: undefined }])).rejects.toMatchObject({
        kind: 'configuration',
        what: 'cannot use the socket "proxy" of the service manager',
      });
    } finally {
      closeSync(fd);
    }
  });

  it('refuses an accepted connection, as with Accept=yes', async () => {
    const opener = createServer().listen(0, '127.0.0.1');
    servers.push(opener);
    await once(opener, 'listening');
    const client = connect((opener.address() as AddressInfo).port, '127.0.0.1');
    await once(client, 'connect');
    const { fd } = (client as unknown as { _handle: { fd: number } })._handle;
    const copy = libc.bind('int dup(int)')(fd);
    await expect(open([{ fd: copy, name: 'forward', path: undefined }])).rejects.toMatchObject({
      next: ['In the socket unit, set ListenStream= and Accept=no.'],
    });
    client.destroy();
  });
});
