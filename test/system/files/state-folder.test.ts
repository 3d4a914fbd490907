import { stateFolder } from '../../../src/system/files/state-folder.js';

it.each([
  [{ STATE_DIRECTORY: '/var/lib/arctun' }, '/var/lib/arctun'],
  [{ STATE_DIRECTORY: '/var/lib/arctun:/var/lib/other', XDG_STATE_HOME: '/x' }, '/var/lib/arctun'],
  [{ STATE_DIRECTORY: '', XDG_STATE_HOME: '/x' }, '/x/arctun'],
  [{ XDG_STATE_HOME: '' }, '/home/me/.local/state/arctun'],
  [{}, '/home/me/.local/state/arctun'],
])('for %j is %s', (env, folder) => {
  expect(stateFolder(env, '/home/me')).toBe(folder);
});
