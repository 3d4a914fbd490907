import { createRequire } from 'node:module';

/** Returns the version of this npm package. Works in src/library/ and in dist/bundle/. */
export function packageVersion(): string {
  const load = createRequire(import.meta.url);
  return (load('../../package.json') as { readonly version: string }).version;
}
