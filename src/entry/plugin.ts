/**
 * Provides the plugin data that oclif would otherwise read from the package folder: the manifest,
 * the settings, and a loader for commands.
 */
import type { Command, Interfaces } from '@oclif/core';

import manifest from '../../oclif.manifest.json' with { type: 'json' };
import pjson from '../../package.json' with { type: 'json' };
import { COMMAND_MODULES } from './command-modules.js';

export function createPlugin(): Interfaces.Plugin {
  const { name, version, oclif } = pjson;
  const plugin = {
    _base: '',
    alias: name,
    commandIDs: Object.keys(manifest.commands),
    commands: Object.values(manifest.commands).map((command) => ({
      ...command,
      pluginAlias: name,
      pluginType: 'core',
      load: () => loadCommand(command.id),
    })) as unknown as Command.Loadable[],
    commandsDir: undefined,
    findCommand: loadCommand,
    hasManifest: true,
    hooks: {},
    isRoot: true,
    load: () => Promise.resolve(),
    moduleType: 'module' as const,
    name,
    options: { root: '/' },
    pjson: pjson as unknown as Interfaces.PJSON,
    root: '/',
    topics: Object.entries(oclif.topics).map(([topic, about]) => ({ name: topic, ...about })),
    type: 'core',
    valid: true,
    version,
  };
  return plugin;

  async function loadCommand(id: string): Promise<Command.Class> {
    const load = COMMAND_MODULES[id];
    if (load === undefined)
      throw new TypeError(
        `the manifest lists ${id}, but the program does not contain this command`,
      );
    const { default: command } = await load();
    return Object.assign(command, { id, plugin });
  }
}
