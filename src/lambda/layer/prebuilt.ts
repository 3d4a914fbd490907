/** Reads files that were built before packaging: bundles, licenses and bills of materials. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { UserError } from '../../lib/errors/user-error.js';
import type { Architecture } from './node-release.js';

/** A program in one file, with its documents. */
export interface Prebuilt {
  /** The blob for the single executable, or JavaScript code. */
  readonly program: Uint8Array;
  /** The bill of materials in CycloneDX format, without Node. */
  readonly bill: string;
  readonly notices: string;
  readonly license: Uint8Array;
}

/** The runtimes that a layer supports: all of one architecture, or only Node.js runtimes. */
export type LayerKind = Architecture | 'nodejs';

/** Blobs contain code compiled for one architecture, and are gzipped to keep the package small. */
const PROGRAMS: Readonly<Record<LayerKind, string>> = {
  x86_64: 'arctun-x86_64.blob.gz',
  arm64: 'arctun-arm64.blob.gz',
  nodejs: 'extension.cjs',
};

/**
 * @param folder the package's folder `dist/executable`
 * @throws UserError of kind `failed`
 */
export async function readPrebuilt(folder: string, kind: LayerKind): Promise<Prebuilt> {
  const name = kind === 'nodejs' ? 'extension' : 'executable';
  const read = (file: string) => readFile(join(folder, file));
  try {
    const [program, bill, notices, license] = await Promise.all([
      read(PROGRAMS[kind]),
      read(`${name}.sbom.json`),
      read(`${name}.notices.txt`),
      read('../../LICENSE'),
    ]);
    return {
      program: kind === 'nodejs' ? program : gunzipSync(program),
      bill: bill.toString(),
      notices: notices.toString(),
      license,
    };
  } catch (error) {
    const [what, why] = ['cannot build a layer', `${folder} is incomplete`];
    const next = [
      'Reinstall arctun.',
      'Or, in a working tree, run `npm run build:executable` first.',
    ];
    throw new UserError('failed', { what, why, next, cause: error });
  }
}
