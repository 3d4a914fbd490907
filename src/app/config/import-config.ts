import { explainingFile, readIfPresent, writeArcConfig } from '../../arc-config/arc-config-file.js';
import { requireFile } from '../../arc-config/config-source.js';
import type { Files } from '../../ports/files.js';
import { importWgQuickConfig } from '../../arc-config/wg-quick/import-wg-quick-config.js';
import type { ImportNote } from '../../arc-config/wg-quick/wg-quick-entries.js';
import { UserError } from '../../lib/errors/user-error.js';

export interface ImportConfigOptions {
  /** The wg-quick file; `-` for standard input. */
  readonly file: string;
  /** The path of the arc.json to write, as for `--config`. */
  readonly target: string;
  /** The SIM ID; empty if unknown. */
  readonly simId: string;
  /** Whether an existing arc.json may be replaced. */
  readonly force: boolean;
  /** Whether to drop settings that the tunnel needs but arc.json cannot express. */
  readonly ignoreUnsupported: boolean;
}

export interface ImportConfigPorts {
  readonly files: Files;
  readonly readStdin: () => Promise<Uint8Array>;
  readonly publicKeyOf: (privateKey: Uint8Array) => Uint8Array;
  /** The value of `process.platform`. */
  readonly platform: string;
}

export interface ImportedConfig {
  /** The absolute path of the written arc.json. */
  readonly path: string;
  /** The input's name as messages show it. */
  readonly source: string;
  /** Settings that arc.json stores in another form or cannot store. */
  readonly notes: readonly ImportNote[];
}

/**
 * Writes an arc.json from a WireGuard configuration.
 *
 * @throws ArcConfigError with every error in the WireGuard configuration
 * @throws UserError if a file cannot be read or written, or already exists
 */
export async function importConfig(
  { file, target, simId, force, ignoreUnsupported }: ImportConfigOptions,
  { files, readStdin, publicKeyOf, platform }: ImportConfigPorts,
): Promise<ImportedConfig> {
  const source = file === '-' ? 'standard input' : file;
  const text =
    file === '-' ? new TextDecoder().decode(await readStdin()) : await readSource(files, file);
  const options = { path: source, simId, platform, ignoreUnsupported, publicKeyOf };
  const { config, notes } = importWgQuickConfig(text, options);
  await refuseToOverwrite(files, target, force);
  await writeArcConfig(files, target, config);
  return { path: files.absolute(target), source, notes };
}

async function readSource(files: Files, file: string): Promise<string> {
  const next = ['Pass the path of the WireGuard configuration to import, or - for standard input.'];
  const text = { what: `cannot read ${files.absolute(file)}`, next };
  return explainingFile(text, () => files.readText(file));
}

async function refuseToOverwrite(files: Files, target: string, force: boolean): Promise<void> {
  requireFile(target, 'cannot import');
  if (force) return;
  // A missing folder is not reported here, because the later write reports it.
  const existing = await readIfPresent(files, target, ['absent', 'no-folder']);
  if (existing === undefined || existing.trim() === '') return;
  throw new UserError('configuration', {
    what: `cannot write ${files.absolute(target)}`,
    why: 'the file already exists, and may hold the only copy of a private key',
    next: ['Choose another file with --config, or overwrite this file with --force.'],
  });
}
