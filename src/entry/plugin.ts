/**
 * Provides the plugin data that oclif would otherwise read from the package folder: the manifest,
 * the settings, and a loader for commands.
 */
import type { Command, Interfaces } from '@oclif/core';

import manifest from '../../oclif.manifest.json' with { type: 'json' };
import pjson from '../../package.json' with { type: 'json' };

const MANIFEST: Readonly<Record<string, { readonly relativePath: readonly string[] }>> =
  manifest.commands;

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
    const { relativePath } = MANIFEST[id] ?? {};
    if (relativePath === undefined) throw new TypeError(`${id} is not a command`);
    const path = relativePath.slice(2).join('/').replace(/\.js$/, '');
    // The bundler replaces this with the modules of commands/, each in its own chunk.
    const { default: command } = (await import(`../../commands/${path}.ts`)) as {
      default: Command.Class;
    };
    return Object.assign(command, { id, plugin });
  }
}
