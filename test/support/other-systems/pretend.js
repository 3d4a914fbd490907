/**
 * Makes Node.js look as on another operating system, as far as a program can notice. Preload with
 * `--import`; PRETENDED_PLATFORM contains the value of process.platform.
 *
 * Node.js itself continues to run on Linux, so paths have its syntax. As on Windows, files have
 * neither owners nor modes, users have no IDs, and a path cannot be a socket.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import os from 'node:os';
// These modules read process.platform while they load, and must find the real one.
import 'node:child_process';
import 'node:crypto';
import 'node:dgram';
import 'node:dns/promises';
import 'node:fs/promises';
import 'node:http';
import 'node:https';
import 'node:inspector';
import 'node:path';
import 'node:readline/promises';
import 'node:stream/promises';
import 'node:tls';
import 'node:tty';
import 'node:url';
import 'node:worker_threads';

const platform = process.env.PRETENDED_PLATFORM;
Object.defineProperty(process, 'platform', { value: platform });
os.platform = () => platform;
if (platform === 'win32') await becomeWindows();
syncBuiltinESMExports();

async function becomeWindows() {
  for (const name of ['getuid', 'geteuid', 'getgid', 'getegid', 'getgroups', 'setuid', 'setgid'])
    delete process[name];
  for (const name of ['statSync', 'lstatSync', 'fstatSync']) answer(fs, name, ownerless);
  for (const name of ['stat', 'lstat']) answer(fs.promises, name, (found) => found.then(ownerless));
  const handle = await fs.promises.open(process.execPath);
  answer(Object.getPrototypeOf(handle), 'stat', (found) => found.then(ownerless));
  await handle.close();
  refuse(net.Server.prototype, 'listen', 'EACCES');
  refuse(net.Socket.prototype, 'connect', 'ENOENT');
}

function answer(owner, name, change) {
  const original = owner[name];
  owner[name] = function (...parameters) {
    return change(original.apply(this, parameters));
  };
}

function ownerless(stats) {
  if (stats === undefined || typeof stats.mode === 'bigint') return stats;
  return Object.assign(stats, { uid: 0, gid: 0, mode: (stats.mode & fs.constants.S_IFMT) | 0o666 });
}

/** Refuses paths that are not names of pipes, as libuv does on Windows. */
function refuse(prototype, name, code) {
  const original = prototype[name];
  prototype[name] = function (...parameters) {
    const path = pathIn(parameters);
    if (typeof path !== 'string' || path.startsWith('\\\\'))
      return original.apply(this, parameters);
    const error = Object.assign(new Error(`${name} ${code} ${path}`), { code });
    process.nextTick(() => {
      if (name === 'connect') this.destroy(error);
      else this.emit('error', error);
    });
    return this;
  };
}

function pathIn([first]) {
  // net.connect() passes its parameters as an array.
  const given = Array.isArray(first) ? first[0] : first;
  return typeof given === 'string' && Number.isNaN(Number(given)) ? given : given?.path;
}
