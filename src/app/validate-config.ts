import type { Files } from '../arc-config/files.js';
import { requireSession } from '../arc-config/require-session.js';
import { loadArcConfig } from './load-arc-config.js';

/**
 * Checks that the configuration reads and has all that a tunnel needs.
 * @throws ArcConfigError with every fault, UserError when the file cannot be read
 */
export async function validateConfig(value: string, files: Files): Promise<void> {
  const { config, source } = await loadArcConfig(value, files);
  requireSession(config, source);
}
