/**
 * Writes build/image/arctun.tar, a container image for linux/amd64 and linux/arm64 as an OCI archive,
 * with SHA256SUMS: `npm run package image`. Needs neither Docker nor root, but Debian's C and C++ libraries
 * of both architectures, and readelf.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeExecutable } from '../../dist/src/lambda/layer/executable.js';
import { fetchNode } from '../../dist/src/lambda/layer/fetch-node.js';
import { executableDocuments } from '../../dist/src/lambda/layer/layers.js';
import { ARCHITECTURES } from '../../dist/src/lambda/layer/node-release.js';
import { readPrebuilt } from '../../dist/src/lambda/layer/prebuilt.js';
import { systemCommands } from '../../dist/src/system/process/command-runner.js';
import { REPOSITORY } from './bundles.js';
import { writeCheckedFiles } from './checked-files.js';
import { baseFiles, labelsOf, programFiles, runSettings } from './image/image-config.js';
import { imageLayout } from './image/oci-layout.js';
import { librariesOf } from './image/shared-libraries.js';
import { archiveOf, tarLayer } from './image/tar-layer.js';

const FOLDER = join(REPOSITORY, 'build/image');
const NAME = 'localhost/arctun:latest';
/** https://reproducible-builds.org/docs/source-date-epoch/ */
const created = new Date(1_000 * Number(process.env.SOURCE_DATE_EPOCH ?? 0));

mkdirSync(FOLDER, { recursive: true });
const images = {};
for (const architecture of ARCHITECTURES) {
  const prebuilt = await readPrebuilt(join(REPOSITORY, 'dist/executable'), architecture);
  const node = await fetchNode(architecture, systemCommands, join(REPOSITORY, 'build/node'));
  const executable = makeExecutable(node.executable, prebuilt.program);
  const documents = executableDocuments(prebuilt, node, architecture);
  images[architecture] = [
    layer('libraries', [...baseFiles(), ...librariesFor(executable, architecture)]),
    layer('arctun', programFiles(executable, documents)),
  ];
}
const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
const labels = labelsOf(manifest);
const options = { name: NAME, labels, settings: runSettings(labels) };
const image = archiveOf(imageLayout(images, { ...options, created: created.toISOString() }));
writeCheckedFiles(FOLDER, new Map([['arctun.tar', image]]), 0o644);

/** readelf reads the executable from a file. */
function librariesFor(executable, architecture) {
  const file = join(FOLDER, `arctun-${architecture}`);
  writeFileSync(file, executable);
  try {
    return librariesOf(file, architecture);
  } finally {
    rmSync(file);
  }
}

function layer(createdBy, entries) {
  return { ...tarLayer(entries), createdBy };
}
