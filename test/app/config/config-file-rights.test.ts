import { refuseHooksOfOthers } from '../../../src/app/config/config-file-rights.js';
import type { OtherWriter } from '../../../src/ports/files.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { sampleWith } from '../../arc-config/sample.js';
import { failureOf } from '../failure-of.js';

const FOLDER = { path: '/a b', fault: 'mode', isFolder: true, mode: 0o777 } as const;
const FILE = { path: '/a b/arc.json', fault: 'mode', isFolder: false, mode: 0o620 } as const;
const OTHERS = { path: '/home/pi', fault: 'owner', isFolder: true, owner: 1000, user: 0 } as const;

function loaded(
  members: Readonly<Record<string, unknown>>,
  otherWriters?: readonly OtherWriter[],
  readableMode?: number,
) {
  const config = parseArcConfig(sampleWith(members), { path: 'arc.json' });
  const names = { source: '/a b/arc.json', path: '/a b/arc.json' };
  return { config, original: config, ...names, otherWriters: otherWriters ?? [], readableMode };
}
const NONE = { postUp: [], postDown: [] };
const HOOKS = { postUp: [['touch', 'x']] };

const refusal = (members: Readonly<Record<string, unknown>>, writers?: readonly OtherWriter[]) =>
  failureOf(Promise.resolve().then(() => refuseHooksOfOthers(loaded(members, writers))));

it('allows commands in a file that only the user or root can write, and any file without commands', () => {
  refuseHooksOfOthers(loaded(HOOKS));
  refuseHooksOfOthers(loaded(NONE, [FOLDER, FILE, OTHERS]));
});

it.each([['preUp'], ['postUp'], ['preDown'], ['postDown']])(
  'refuses %s of other users',
  async (name) => {
    expect(await refusal({ ...NONE, [name]: [['x']] }, [FILE])).toMatchObject({
      kind: 'permission',
    });
  },
);

it('reports the first fault and the fix for all', async () => {
  expect(await refusal(HOOKS, [FOLDER, FILE])).toMatchObject({
    message:
      'cannot run the commands in /a b/arc.json: other users can write to the folder /a b (mode 0777)',
    next: [
      'No command was run and nothing was changed.',
      "Run: chmod go-w '/a b' '/a b/arc.json'",
      'Or remove preUp, postUp, preDown and postDown from the file.',
    ],
  });
  const file = { ...OTHERS, isFolder: false, path: '/home/pi/arc.json' };
  expect(await refusal(HOOKS, [OTHERS, file])).toMatchObject({
    why: 'the folder /home/pi belongs to user 1000, who could change the commands',
    next: [
      'No command was run and nothing was changed.',
      'Move the file to a folder that only root can change, such as /etc/arctun.',
      'Run as root: chown -h 0 /home/pi/arc.json',
      'Or remove preUp, postUp, preDown and postDown from the file.',
    ],
  });
  expect(await refusal(HOOKS, [{ path: '/x', fault: 'replaced' }])).toMatchObject({
    why: '/x was replaced while arctun was reading it',
  });
});
