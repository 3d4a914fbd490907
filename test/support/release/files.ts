/** The files of build/release, which `npm run release -- --dry-run` builds. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { REPOSITORY } from '../processes.js';

export const RELEASE = join(REPOSITORY, 'build/release');
export const { version: VERSION } = JSON.parse(
  readFileSync(join(REPOSITORY, 'package.json'), 'utf8'),
) as { readonly version: string };

/** What Debian, Node.js and Lambda call an architecture. */
export interface Architecture {
  readonly debian: 'amd64' | 'arm64';
  readonly node: 'x64' | 'arm64';
  readonly lambda: 'x86_64' | 'arm64';
}
export const AMD64: Architecture = { debian: 'amd64', node: 'x64', lambda: 'x86_64' };
export const ARM64: Architecture = { debian: 'arm64', node: 'arm64', lambda: 'arm64' };

/** The paths of the files, by what they are. */
export const files = {
  npmPackage: join(RELEASE, `arctun-${VERSION}.tgz`),
  image: join(RELEASE, `arctun-${VERSION}.oci.tar`),
  thinLayer: join(RELEASE, 'arctun-lambda-nodejs.zip'),
  executable: ({ node }: Architecture) => join(RELEASE, `arctun-linux-${node}`),
  layer: ({ lambda }: Architecture) => join(RELEASE, `arctun-lambda-${lambda}.zip`),
  debianPackage: ({ debian }: Architecture) =>
    join(RELEASE, `arctun_${VERSION.replaceAll('-', '~')}_${debian}.deb`),
};

/** What `arctun version` prints. */
export const VERSION_LINE = `{"revision":"","version":"${VERSION}"}\n`;

/** The path of a command of this machine. */
export function commandPath(name: string): string {
  return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim();
}
