import { readFileSync } from 'node:fs';

/** The content of a file of test/vectors. */
export function readVectors(name: string): unknown {
  const url = new URL(`../vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}
