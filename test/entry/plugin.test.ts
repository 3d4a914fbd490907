import { createPlugin } from '../../src/entry/plugin.js';

const plugin = createPlugin();

it.each(plugin.commands)('loads $id with its ID and its plugin', async (found) => {
  const command = await found.load();
  expect([command.id, command.plugin]).toEqual([found.id, plugin]);
  // The texts of the manifest are those of the command.
  expect(found.description).toBe(command.description);
});

it('refuses an ID that is not in the program', async () => {
  await expect(createPlugin().findCommand('nosuch', { must: true })).rejects.toThrow(
    'nosuch is not a command',
  );
});
