/**
 * Loads every module of the build, and prints as JSON how many were loaded, and what they accessed:
 * files of Linux, native code, programs and sockets.
 */
import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const BUILD = new URL('../../../dist/', import.meta.url);
/** Modules that run a program when they are loaded. */
const PROGRAMS = /^src\/action\/start-(main|post)\.js$/;
const LINUX_FILE = /^\/(proc|sys|dev|run)(\/|$)/;

const accesses = [];
record(process, 'dlopen', ([, path]) => path);
for (const name of ['spawn', 'spawnSync', 'execFile', 'execFileSync', 'exec', 'execSync', 'fork'])
  record(childProcess, name, ([program]) => program);
record(dgram, 'createSocket', () => 'UDP');
record(net.Server.prototype, 'listen', String);
record(net.Socket.prototype, 'connect', String);
for (const owner of [fs, fs.promises])
  for (const name of Object.keys(owner).filter((key) => /^[a-z]/.test(key)))
    if (typeof owner[name] === 'function')
      record(owner, name, ([path]) => (LINUX_FILE.test(String(path)) ? path : undefined));
syncBuiltinESMExports();

const names = fs.readdirSync(BUILD, { recursive: true }).map((name) => name.replaceAll('\\', '/'));
const modules = names.filter(
  (name) => /^(src|commands)\/.*\.js$/.test(name) && !PROGRAMS.test(name),
);
for (const name of modules) await import(new URL(name, BUILD));
fs.writeSync(1, JSON.stringify({ modules: modules.length, accesses }));
process.exit();

/** Records the calls of a function for which `describe` returns a description. */
function record(owner, name, describe) {
  const original = owner[name];
  owner[name] = function (...parameters) {
    const what = describe(parameters);
    if (what !== undefined) accesses.push(`${name} ${what}`);
    return original.apply(this, parameters);
  };
}
