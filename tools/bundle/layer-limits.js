/**
 * Size limits of the published files in bytes, by their names without the version. Lambda accepts
 * direct uploads of 50 MB (zip), and 250 MB unzipped for a function with all its layers.
 *
 * @type {Readonly<Record<string, number>>}
 */
export const LIMITS = {
  'arctun-lambda-x86_64.zip': 45e6,
  'arctun-lambda-arm64.zip': 45e6,
  'arctun-lambda-nodejs.zip': 2e6,
  'arctun-linux-x64': 120e6,
  'arctun-linux-arm64': 120e6,
  'arctun-linux-x64.sbom.json': 200e3,
  'arctun-linux-arm64.sbom.json': 200e3,
  'arctun-npm.sbom.json': 200e3,
  'arctun.tgz': 12e6,
  'arctun.tar': 100e6,
  'arctun.oci.tar': 100e6,
  'arctun_amd64.deb': 35e6,
  'arctun_arm64.deb': 35e6,
  SHA256SUMS: 5e3,
};

/**
 * @param {string} name the file's name without the version
 * @throws {Error} if no limit is known, so that a new file gets one
 */
export function limitOf(name) {
  const limit = LIMITS[name];
  if (limit !== undefined) return limit;
  throw new Error(`${name} has no size limit: add one to tools/bundle/layer-limits.js`);
}
