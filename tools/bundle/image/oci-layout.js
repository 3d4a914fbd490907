/**
 * Writes container images as an OCI image layout (OCI image format specification 1.1): an index
 * that names one manifest for each architecture.
 */
import { digestOf } from './tar-layer.js';

const MEDIA = 'application/vnd.oci.image';
const TYPES = {
  index: `${MEDIA}.index.v1+json`,
  manifest: `${MEDIA}.manifest.v1+json`,
  config: `${MEDIA}.config.v1+json`,
  layer: `${MEDIA}.layer.v1.tar+gzip`,
};
/** Docker's names of architectures, which the OCI uses. */
const PLATFORMS = {
  x86_64: { architecture: 'amd64', os: 'linux' },
  arm64: { architecture: 'arm64', os: 'linux', variant: 'v8' },
};

/**
 * Returns the files of the layout, as entries of an archive. The top-level index names only one
 * index, so that tools find one image, and then choose an architecture.
 *
 * @param images for each architecture, its layers ({bytes, digest, diffId, createdBy})
 * @param name the name of the image, such as `localhost/arctun:latest`
 */
export function imageLayout(images, { name, labels, settings, created }) {
  const blobs = new Map();
  const add = (mediaType, bytes) => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const manifests = Object.entries(images).map(([architecture, layers]) => {
    const platform = PLATFORMS[architecture];
    const config = add(TYPES.config, json(configOf(platform, layers, { settings, created })));
    const manifest = {
      ...{ schemaVersion: 2, mediaType: TYPES.manifest, config },
      layers: layers.map(({ bytes }) => add(TYPES.layer, bytes)),
      annotations: labels,
    };
    return { ...add(TYPES.manifest, json(manifest)), platform };
  });
  const index = { schemaVersion: 2, mediaType: TYPES.index, manifests, annotations: labels };
  const image = {
    ...add(TYPES.index, json(index)),
    annotations: {
      // The tag, and the full name for containerd and Docker.
      'org.opencontainers.image.ref.name': name.split(':').at(-1),
      'io.containerd.image.name': name,
    },
  };
  const file = (path, content) => ({ path, mode: 0o644, content });
  return [
    file('oci-layout', json({ imageLayoutVersion: '1.0.0' })),
    file('index.json', json({ schemaVersion: 2, mediaType: TYPES.index, manifests: [image] })),
    ...['blobs', 'blobs/sha256'].map((path) => ({ path, mode: 0o755 })),
    ...[...blobs].map(([digest, bytes]) => file(`blobs/${digest.replace(':', '/')}`, bytes)),
  ];
}

function configOf(platform, layers, { settings, created }) {
  return {
    ...{ created, ...platform, config: settings },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
  };
}

function json(value) {
  return Buffer.from(JSON.stringify(value));
}
