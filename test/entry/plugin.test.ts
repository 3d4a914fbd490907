import { readFileSync } from 'node:fs';

import { COMMAND_MODULES } from '../../src/entry/command-modules.js';
import { createPlugin } from '../../src/entry/plugin.js';
import { REPOSITORY } from '../support/processes.js';

const manifest = JSON.parse(readFileSync(`${REPOSITORY}oclif.manifest.json`, 'utf8')) as {
  readonly commands: Readonly<Record<string, { readonly id: string; readonly summary?: string }>>;
};

it('contains exactly the commands of the manifest', () => {
  expect(Object.keys(COMMAND_MODULES).sort()).toEqual(Object.keys(manifest.commands).sort());
});

it.each(Object.keys(manifest.commands))('loads %s with its ID and its plugin', async (id) => {
  const plugin = createPlugin();
  const found = plugin.commands.find((command) => command.id === id)!;
  const command = await found.load();
  expect([command.id, command.plugin]).toEqual([id, plugin]);
  // The texts of the manifest are those of the command.
  expect(found.description).toBe(command.description);
});

it('refuses an ID that is not in the program', async () => {
  await expect(createPlugin().findCommand('nosuch', { must: true })).rejects.toThrow(
    'the manifest lists nosuch, but the program does not contain this command',
  );
});
