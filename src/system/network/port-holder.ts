/** Finds the process that is using a local port (Linux, proc_net(5) and proc_pid_fd(5)). */
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { createServer } from 'node:net';

/** TCP_LISTEN, and the state of an unconnected UDP socket in /proc. */
const STATES = { tcp: '0A', udp: '07' } as const;

/**
 * Names of commands that listen on ports. No other words of a command line are shown, because they
 * may be secret.
 */
const COMMANDS = ['up', 'u', 'emulator', 'lambda', 'send'];

/**
 * @param entry this process's script; other processes that run this script are also arctun
 * @returns `arctun up (pid 4711)`, `nginx (pid 80)` or `a program of user 33`; undefined if unknown
 */
export async function portHolder(
  protocol: keyof typeof STATES,
  port: number,
  entry: string = process.argv[1] ?? '',
): Promise<string | undefined> {
  const tables = await Promise.all(
    [protocol, `${protocol}6`].map((name) => read(`/proc/net/${name}`)),
  );
  const socket = tables.flatMap((table) => listening(table, STATES[protocol], port))[0];
  if (socket === undefined) return undefined;
  const pid = await holderOf(socket.inode);
  if (pid === undefined) return `a program of ${socket.uid === 0 ? 'root' : `user ${socket.uid}`}`;
  return `${await nameOf(pid, entry)} (pid ${pid})`;
}

interface ListeningSocket {
  readonly inode: string;
  readonly uid: number;
}

function listening(table: string, state: string, port: number): ListeningSocket[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , st, , , , uid, , inode = '0'] = line.trim().split(/\s+/);
    const isMeant = st === state && Number.parseInt(local.split(':')[1] ?? '', 16) === port;
    return isMeant && inode !== '0' ? [{ inode, uid: Number(uid) }] : [];
  });
}

/** Finds the process that has the socket open; only root can see other users' processes. */
async function holderOf(inode: string): Promise<number | undefined> {
  const names = await readdir('/proc').catch(() => []);
  for (const name of names.filter((entry) => /^\d+$/.test(entry))) {
    const folder = `/proc/${name}/fd`;
    const descriptors = await readdir(folder).catch(() => []);
    const links = descriptors.map((entry) => readlink(`${folder}/${entry}`).catch(() => ''));
    if ((await Promise.all(links)).includes(`socket:[${inode}]`)) return Number(name);
  }
  return undefined;
}

async function nameOf(pid: number, entry: string): Promise<string> {
  const words = (await read(`/proc/${pid}/cmdline`)).split('\0');
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '/');
  const isEntry = async (word: string) =>
    basename(word) === 'arctun' ||
    (word !== '' && (await real(resolve(folder, word))) === (await real(entry)));
  // Node.js and its options may precede the script.
  for (const [at, word] of words.slice(0, 5).entries()) {
    if (!(await isEntry(word))) continue;
    const command = words.slice(at + 1).find((later) => COMMANDS.includes(later));
    return command === undefined ? 'arctun' : `arctun ${command}`;
  }
  return (await read(`/proc/${pid}/comm`)).trim() || 'a program';
}

function real(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** Listens for a moment. Resolves with the system's error; undefined if the port is free. */
export function tryListen(host: string, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
