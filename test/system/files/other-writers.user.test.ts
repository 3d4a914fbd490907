/** Real folders and files; their owners are faked if changing them would require root. */
import {
  closeSync,
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  findOtherWriters,
  type InspectionPorts,
  readableMode,
} from '../../../src/system/files/other-writers.js';
import { describeWith } from '../../support/runner/requirements.js';

const NOBODY = 65534;
const user = process.geteuid!();
const writable: InspectionPorts = { user, isReadOnly: () => Promise.resolve(false) };
let folder: string;
let inner: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-writers-'));
  inner = join(folder, 'inner');
  mkdirSync(inner, { mode: 0o755 });
  file = join(inner, 'arc.json');
  writeFileSync(file, '{}', { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const found = (path = file, ports = writable) => findOtherWriters(path, statSync(path), ports);

it('finds none for the user’s own file and folders, below a sticky folder', async () => {
  expect(await found()).toEqual([]);
  chmodSync(inner, 0o1777);
  expect(await found()).toEqual([]);
});

it.each([0o660, 0o602, 0o666])(
  'finds users that mode %o allows to write to the file',
  async (mode) => {
    chmodSync(file, mode);
    expect(await found()).toEqual([{ path: file, fault: 'mode', isFolder: false, mode }]);
  },
);

it('finds users that can replace the file or a folder', async () => {
  chmodSync(inner, 0o775);
  chmodSync(folder, 0o707);
  expect(await found()).toEqual([
    { path: folder, fault: 'mode', isFolder: true, mode: 0o707 },
    { path: inner, fault: 'mode', isFolder: true, mode: 0o775 },
  ]);
});

it('follows a link and finds users that can redirect it', async () => {
  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  symlinkSync('../inner/arc.json', join(open, 'link.json'));
  expect(await found(join(open, 'link.json'))).toEqual([
    { path: open, fault: 'mode', isFolder: true, mode: 0o777 },
  ]);
  symlinkSync(inner, join(folder, 'inner-link'));
  expect(await found(join(folder, 'inner-link', 'arc.json'))).toEqual([]);
});

it('detects that the path leads to a different file than the one that was read', async () => {
  const opened = statSync(file);
  rmSync(file);
  writeFileSync(join(inner, 'other'), '{}');
  writeFileSync(file, '{}', { mode: 0o600 });
  expect(await findOtherWriters(file, opened, writable)).toEqual([
    { path: file, fault: 'replaced' },
  ]);
});

it('finds none if the file system is read-only', async () => {
  chmodSync(inner, 0o777);
  chmodSync(file, 0o666);
  const isReadOnly = (path: string) => Promise.resolve(path.startsWith(inner));
  expect(await found(file, { user, isReadOnly })).toEqual([]);
});

it('checks only the file of an inherited descriptor', async () => {
  chmodSync(folder, 0o777);
  const descriptor = openSync(file, 'r');
  try {
    expect(await found(`/proc/self/fd/${descriptor}`)).toEqual([]);
    chmodSync(file, 0o666);
    expect(await found(`/proc/self/fd/${descriptor}`)).toMatchObject([{ fault: 'mode' }]);
  } finally {
    closeSync(descriptor);
  }
});

it('reports a mode that lets others read, unless it cannot be changed', async () => {
  expect(await readableMode(file, statSync(file))).toBeUndefined();
  chmodSync(file, 0o640);
  expect(await readableMode(file, statSync(file))).toBe(0o640);
  if (user !== 0) expect(await readableMode(file, statSync(file), user + 1)).toBeUndefined();
});

describeWith(['root'], 'other users’ files', () => {
  it('finds the owner of the file, of a folder and of a link', async () => {
    const owner = { fault: 'owner', owner: NOBODY, user };
    chownSync(file, NOBODY, NOBODY);
    expect(await found()).toEqual([{ path: file, isFolder: false, ...owner }]);
    chownSync(folder, NOBODY, NOBODY);
    expect(await found()).toEqual([
      { path: folder, isFolder: true, ...owner },
      { path: file, isFolder: false, ...owner },
    ]);
    chownSync(folder, user, 0);
    chownSync(file, user, 0);
    const link = join(folder, 'link.json');
    chmodSync(folder, 0o1777);
    symlinkSync(file, link);
    expect(await found(link)).toEqual([]);
    const opened = statSync(file);
    lchownSync(link, NOBODY, NOBODY);
    // With fs.protected_symlinks, the kernel does not follow this link, also not for this test.
    expect(await findOtherWriters(link, opened, writable)).toEqual([
      { path: link, isFolder: false, ...owner },
    ]);
  });

  it('trusts root and the user', async () => {
    expect(await found(file, { ...writable, user: NOBODY })).toEqual([]);
    expect(await readableMode(file, statSync(file), NOBODY)).toBeUndefined();
  });
});
