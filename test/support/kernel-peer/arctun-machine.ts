/** A virtual machine with Debian's kernel, Node.js and arctun, connected to a WireGuardGoServer. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { inSpace, type WireGuardGoServer } from '../foreign/wireguard-go-server.js';
import { REPOSITORY } from '../processes.js';
import { INITRAMFS, KernelMachine, type MachineContents } from './machine.js';

/** The server's end of the machine's network, and the addresses there. */
export const TAP = 'machine';
export const GATEWAY = '192.0.3.1';
export const GATEWAY_IPV6 = '2001:db8:3::a1';
export const MACHINE_IPV6 = '2001:db8:3::a2';
export const NETWORK = '192.0.3.0/24';
export const MACHINE = '192.0.3.2';

/** What the npm package consists of, without the single executable. */
const SHIPPED = ['bin/run.js', 'dist/bundle', 'oclif.manifest.json', 'package.json'];
const MODULES = ['koffi', '@koromix'];

/** The machine's folder for programs of this system, which the minimal system does not have. */
export const TOOLS = '/tools';
/** busybox's ip does not list everything, and wg-quick is a script for bash. */
const PROGRAMS = ['bash', 'ip', 'wg-quick'];

/** Boots the machine behind a network card in the server's namespace. */
export async function bootArctunMachine(server: WireGuardGoServer): Promise<KernelMachine> {
  const contents = { initramfs: packInitramfs(server.folder), memory: 1024 };
  return bootMachine(server, contents);
}

/** @param contents default the minimal system */
export async function bootMachine(
  server: WireGuardGoServer,
  contents?: MachineContents,
): Promise<KernelMachine> {
  const ip = (...parameters: readonly string[]) =>
    execFileSync('ip', ['-n', server.serverSpace, ...parameters]);
  ip('tuntap', 'add', TAP, 'mode', 'tap');
  for (const address of [GATEWAY, GATEWAY_IPV6]) server.wire?.addServer(address);
  server.wire?.addLink(TAP);
  ip('address', 'add', `${GATEWAY}/24`, 'dev', TAP);
  ip('link', 'set', TAP, 'up');
  const space = inSpace(server.serverSpace);
  const machine = await KernelMachine.boot(server.processes, space, TAP, contents);
  await machine.run(`ip address add ${MACHINE}/24 dev eth0; ip route add default via ${GATEWAY}`);
  return machine;
}

/**
 * Appends Node.js and arctun to the minimal system: the kernel unpacks one archive after another.
 *
 * @returns the file
 */
function packInitramfs(folder: string): string {
  const root = join(folder, 'machine');
  mkdirSync(join(root, 'bin'), { recursive: true });
  for (const path of SHIPPED) {
    cpSync(join(REPOSITORY, path), join(root, 'arctun', path), { recursive: true });
  }
  for (const name of MODULES) {
    const path = join('node_modules', name);
    cpSync(join(REPOSITORY, path), join(root, 'arctun', path), { recursive: true });
  }
  addProgram(root, process.execPath, '/bin/node');
  mkdirSync(join(root, TOOLS));
  for (const name of PROGRAMS) addProgram(root, pathOf(name), `${TOOLS}/${name}`);
  // The kernel has no module for the firewall rules of wg-quick.
  writeFileSync(join(root, TOOLS, 'nft'), '#!/bin/sh\n', { mode: 0o755 });
  const launcher = '#!/bin/sh\nexec /bin/node /arctun/bin/run.js "$@"\n';
  writeFileSync(join(root, 'bin', 'arctun'), launcher, { mode: 0o755 });
  const pack = 'find . | cpio --quiet --create --format newc';
  const archive = execFileSync('sh', ['-c', pack], { cwd: root, maxBuffer: 1 << 30 });
  const initramfs = join(folder, 'initramfs');
  writeFileSync(initramfs, Buffer.concat([readFileSync(INITRAMFS), padding(INITRAMFS), archive]));
  return initramfs;
}

/** The kernel looks for the next archive at a multiple of four bytes. */
function padding(file: string): Buffer {
  return Buffer.alloc((4 - (readFileSync(file).length % 4)) % 4);
}

function pathOf(program: string): string {
  return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
}

/** Copies a program and its libraries. */
function addProgram(root: string, program: string, path: string): void {
  copyFileSync(program, join(root, path));
  for (const library of librariesOf(program)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

/** @returns none for a script */
function librariesOf(program: string): string[] {
  const { stdout: listed } = spawnSync('ldd', [program], { encoding: 'utf8' });
  return [...listed.matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)].map(([, path]) => path!);
}
