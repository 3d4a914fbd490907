import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  interfaceObstacle,
  type SystemFolders,
} from '../../../../src/system/linux/interface/interface-obstacle.js';

const USER = 1_000;
/** CAP_NET_ADMIN is number 12 of linux/capability.h. */
const NET_ADMIN = '0000000000001000';
const ALL_BUT_NET_ADMIN = '000001ffffffefff';

let root: string;
let folders: SystemFolders;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'arctun-obstacle-'));
  folders = { dev: join(root, 'dev'), proc: join(root, 'proc'), sys: join(root, 'sys') };
});

afterEach(() => rmSync(root, { recursive: true }));

function system(capabilities: string, owners: Readonly<Record<string, number>> = {}): void {
  mkdirSync(join(folders.dev, 'net'), { recursive: true });
  writeFileSync(join(folders.dev, 'net/tun'), '');
  mkdirSync(join(folders.proc, 'self'), { recursive: true });
  writeFileSync(
    join(folders.proc, 'self/status'),
    `Name:\tx\nCapEff:\t${capabilities}\nSeccomp:\t0\n`,
  );
  for (const [name, owner] of Object.entries(owners)) {
    mkdirSync(join(folders.sys, 'class/net', name), { recursive: true });
    writeFileSync(join(folders.sys, 'class/net', name, 'owner'), `${owner}\n`);
  }
}

it('does not exist with CAP_NET_ADMIN', async () => {
  system(NET_ADMIN);
  expect(await interfaceObstacle('soratun0', USER, folders)).toBeUndefined();
});

it('is the missing capability, even with all others', async () => {
  system(ALL_BUT_NET_ADMIN);
  expect(await interfaceObstacle('soratun0', USER, folders)).toBe('not-permitted');
});

it('is the driver if the system has none', async () => {
  expect(await interfaceObstacle('soratun0', USER, folders)).toBe('no-driver');
});

it('does not exist if the interface was created for this user', async () => {
  system(ALL_BUT_NET_ADMIN, { soratun0: USER });
  expect(await interfaceObstacle('soratun0', USER, folders)).toBeUndefined();
});

it.each([
  ['of another user', 'soratun0', { soratun0: USER + 1 }],
  ['without an owner', 'soratun0', { soratun0: -1 }],
  ['with another name', 'soratun1', { soratun0: USER }],
  ['with any name', '', { soratun0: USER }],
])('is the missing capability if there is an interface %s', async (_case, name, owners) => {
  system(ALL_BUT_NET_ADMIN, owners);
  expect(await interfaceObstacle(name, USER, folders)).toBe('not-permitted');
});

it('is the permission if the device belongs to another user', async () => {
  system(NET_ADMIN);
  chmodSync(join(folders.dev, 'net/tun'), 0);
  // Root may open it anyway.
  const expected = process.geteuid?.() === 0 ? undefined : 'no-access';
  expect(await interfaceObstacle('soratun0', USER, folders)).toBe(expected);
});
