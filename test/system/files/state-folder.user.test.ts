import { stateFolder, runFolders } from '../../../src/system/files/state-folder.js';

it.each([
  [{ STATE_DIRECTORY: '/var/lib/arctun' }, '/var/lib/arctun'],
  [{ STATE_DIRECTORY: '/var/lib/arctun:/var/lib/other', XDG_STATE_HOME: '/x' }, '/var/lib/arctun'],
  [{ STATE_DIRECTORY: '', XDG_STATE_HOME: '/x' }, '/x/arctun'],
  [{ XDG_STATE_HOME: '' }, '/home/me/.local/state/arctun'],
  [{}, '/home/me/.local/state/arctun'],
])('for %j is %s', (env, folder) => {
  expect(stateFolder(env, '/home/me')).toBe(folder);
});

const USER = { home: '/home/me', isRoot: false, platform: 'linux' };
const ROOT = { home: '/root', isRoot: true, platform: 'linux' };
const STATE = '/home/me/.local/state/arctun/run';

it.each([
  [USER, {}, [STATE, '/run/arctun']],
  [USER, { XDG_RUNTIME_DIR: '/run/user/7' }, ['/run/user/7/arctun', STATE, '/run/arctun']],
  [USER, { XDG_RUNTIME_DIR: '', STATE_DIRECTORY: '/s' }, ['/s/run', '/run/arctun']],
  [USER, { RUNTIME_DIRECTORY: '/run/a:/run/b' }, ['/run/a']],
  [{ ...USER, platform: 'darwin' }, {}, [STATE, '/var/run/arctun']],
  [{ ...USER, platform: 'win32' }, { RUNTIME_DIRECTORY: '/run/a' }, []],
  [ROOT, {}, ['/run/arctun', '/root/.local/state/arctun/run']],
  [
    ROOT,
    { RUNTIME_DIRECTORY: '', XDG_RUNTIME_DIR: '/run/user/0' },
    ['/run/arctun', '/root/.local/state/arctun/run', '/run/user/0/arctun'],
  ],
])('for %j with %j are %j', (who, env, folders) => {
  expect(runFolders({ ...who, env })).toEqual(folders);
});
