/** The layers of AWS Lambda, as zip files: what is in them comes to stand in /opt. */
import { withNode } from './bill-of-materials.js';
import type { NodeFiles } from './fetch-node.js';
import type { Architecture } from './node-release.js';
import type { Prebuilt } from './prebuilt.js';
import { zip, type ZipEntry } from './zip.js';

/** Lambda starts what stands in `extensions/`, and registers it by its name. */
const EXTENSION = 'extensions/arctun';
/** Of their own: files of other layers in /opt have common names. */
const DOCUMENTS = 'share/doc/arctun/';
/**
 * `/opt/bin` is on the PATH of functions. No symbolic link, for not all that unzips makes them. Without
 * words, what stands in `extensions/` would take itself for the extension.
 */
const COMMAND =
  '#!/bin/sh\n[ $# -gt 0 ] || set -- --help\nexec "${0%/*}/../extensions/arctun" "$@"\n';
/** The Node of Lambda's own runtimes for it. */
const INTERPRETER = '#!/var/lang/bin/node\n';

/** The layer for all runtimes. */
export function executableLayer(
  executable: Uint8Array,
  documents: readonly ZipEntry[],
): Uint8Array {
  return zip([
    { path: EXTENSION, mode: 0o755, content: executable },
    { path: 'bin/arctun', mode: 0o755, content: bytes(COMMAND) },
    ...documents,
  ]);
}

/** The layer for the runtimes nodejs20.x and newer. */
export function thinLayer(prebuilt: Prebuilt): Uint8Array {
  const { program, bill, notices } = prebuilt;
  return zip([
    { path: EXTENSION, mode: 0o755, content: Buffer.concat([bytes(INTERPRETER), program]) },
    ...documentEntries(prebuilt.license, bill, notices),
  ]);
}

/** What is in the executable: its licences, and its bill of materials. */
export function executableDocuments(
  { license, bill, notices }: Prebuilt,
  node: NodeFiles,
  architecture: Architecture,
): ZipEntry[] {
  const all = `${notices}\n==== Node.js ====\n\n${Buffer.from(node.license).toString()}`;
  return documentEntries(license, withNode(bill, architecture), all);
}

function documentEntries(license: Uint8Array, bill: string, notices: string): ZipEntry[] {
  const files = { LICENSE: license, 'NOTICES.txt': bytes(notices), 'sbom.json': bytes(bill) };
  return Object.entries(files).map(([name, content]) => ({
    ...{ path: `${DOCUMENTS}${name}`, mode: 0o644, content },
  }));
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
