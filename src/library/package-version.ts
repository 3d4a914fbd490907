import { createRequire } from 'node:module';

/**
 * Returns the version of this npm package, from src/library/ or dist/bundle/; `unknown` if a bundler
 * has moved this code elsewhere.
 *
 * @param url the address of the file that contains the code
 */
export function packageVersion(url = import.meta.url): string {
  try {
    const { name, version } = createRequire(url)('../../package.json') as Partial<Manifest>;
    return name === 'arctun' && version !== undefined ? version : 'unknown';
  } catch {
    return 'unknown';
  }
}

interface Manifest {
  readonly name: string;
  readonly version: string;
}
