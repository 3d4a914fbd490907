/** Creates the Lambda layers as zip files, which Lambda extracts to /opt. */
import { withNode } from './bill-of-materials.js';
import type { NodeFiles } from './fetch-node.js';
import type { Architecture } from './node-release.js';
import type { Prebuilt } from './prebuilt.js';
import { zip, type ZipEntry } from './zip.js';

/** Lambda starts each file in `extensions/`; each extension registers under its file name. */
const EXTENSION = 'extensions/arctun';
/** A separate folder, because other layers in /opt may have files with the same names. */
const DOCUMENTS = 'share/doc/arctun/';
/**
 * A script for `/opt/bin`, which is in the PATH of functions. The script replaces a symbolic link,
 * which some unzip tools cannot create. Without arguments the script shows the help instead of
 * starting the extension.
 */
const COMMAND =
  '#!/bin/sh\n[ $# -gt 0 ] || set -- --help\nexec "${0%/*}/../extensions/arctun" "$@"\n';
/** The path of Node in Lambda's Node.js runtimes. */
const INTERPRETER = '#!/var/lang/bin/node\n';

/** Creates the layer for all runtimes. */
export function executableLayer(
  executable: Uint8Array,
  documents: readonly ZipEntry[],
): Uint8Array {
  return zip([
    { path: EXTENSION, mode: 0o755, content: executable },
    { path: 'bin/arctun', mode: 0o755, content: Buffer.from(COMMAND) },
    ...documents,
  ]);
}

/** Creates the layer for the runtimes nodejs20.x and newer. */
export function thinLayer(prebuilt: Prebuilt): Uint8Array {
  const { program, bill, notices } = prebuilt;
  return zip([
    { path: EXTENSION, mode: 0o755, content: Buffer.concat([Buffer.from(INTERPRETER), program]) },
    ...documentEntries(prebuilt.license, bill, notices),
  ]);
}

export function executableDocuments(
  { license, bill, notices }: Prebuilt,
  node: NodeFiles,
  architecture: Architecture,
): ZipEntry[] {
  const all = `${notices}\n==== Node.js ====\n\n${Buffer.from(node.license).toString()}`;
  return documentEntries(license, withNode(bill, architecture), all);
}

function documentEntries(license: Uint8Array, bill: string, notices: string): ZipEntry[] {
  const files = {
    LICENSE: license,
    'NOTICES.txt': Buffer.from(notices),
    'sbom.json': Buffer.from(bill),
  };
  return Object.entries(files).map(([name, content]) => ({
    ...{ path: `${DOCUMENTS}${name}`, mode: 0o644, content },
  }));
}
