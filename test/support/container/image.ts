/** Writes the container image, and unpacks it with programs that are not arctun's. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { REPOSITORY } from '../processes.js';

/** What skopeo reads from the image, in Docker's format of `inspect --config`. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly config: {
    readonly User: string;
    readonly Env: readonly string[];
    readonly Entrypoint: readonly string[];
    readonly Cmd: readonly string[];
    readonly WorkingDir: string;
    readonly Volumes: Readonly<Record<string, object>>;
    readonly Labels: Readonly<Record<string, string>>;
    readonly StopSignal: string;
    readonly Healthcheck?: { readonly Test: readonly string[] };
  };
}

/** The platforms of the image, in the names of the OCI. */
export type Platform = 'amd64' | 'arm64';

/** Builds the image from dist/executable. @returns the path of the archive */
export function buildImage(): string {
  const script = join(REPOSITORY, 'tools/bundle/build-image.js');
  execFileSync(process.execPath, [script], { stdio: ['ignore', 'ignore', 'pipe'] });
  return join(REPOSITORY, 'build/image/arctun.tar');
}

/** Copies the image of one platform to a folder with skopeo, which checks all digests. */
export class UnpackedImage {
  readonly root: string;
  readonly #folder: string;

  constructor(archive: string, platform: Platform, folder: string) {
    this.#folder = join(folder, 'image');
    this.root = join(folder, 'rootfs');
    const choice = ['--override-os', 'linux', '--override-arch', platform];
    const words = ['--insecure-policy', ...choice, 'copy', `oci-archive:${archive}`];
    execFileSync('skopeo', [...words, `dir:${this.#folder}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    mkdirSync(this.root, { recursive: true });
    for (const { digest } of this.manifest.layers) {
      const layer = join(this.#folder, digest.replace('sha256:', ''));
      execFileSync('tar', [
        '--extract',
        '--gzip',
        '--same-owner',
        '--file',
        layer,
        '-C',
        this.root,
      ]);
    }
  }

  get manifest(): { readonly layers: readonly { readonly digest: string }[] } {
    const path = join(this.#folder, 'manifest.json');
    return JSON.parse(readFileSync(path, 'utf8')) as typeof this.manifest;
  }

  get config(): ImageConfig {
    const words = ['inspect', '--config', `dir:${this.#folder}`];
    return JSON.parse(execFileSync('skopeo', words, { encoding: 'utf8' })) as ImageConfig;
  }
}
