/** The versions of Node.js that `npm run test:nodes` tests: npm's copies of the official builds. */

/** Each version, with npm's SHA-512 checksums of its packages. Node 24 is that of the executable. */
const CHECKSUMS = {
  '22.23.5': {
    x86_64:
      '3jhC+wcoWxKZxcRqF2sUSl0c9HEXFnur/nuIPx6O6CWKV0jOUWQm7Htw5SuXqqlMCEhi0cJqybFPEb5hhcBiMw==',
    arm64:
      'e1LOUGKVruPGuLVutn8+Cgm5pI1APm4Kvh+zbb/qe/ZpD9s+TQby5iUgZOWmPpbSKpj0Td8DP1N0NEnXasHizg==',
  },
  '26.12.1': {
    x86_64:
      'jk5LMAmgHlPlPMWpsUrSOqNaEZG+11UNd35hWQ+p5/XGaelWuTqJ69IcAy/5xtPPN4d5ZRBNOGB6gLMCh2kL9A==',
    arm64:
      '8Oxs6Y7rDcKufVIM/zYRSwytj46WOrZk7yFCLTKDcs17bBjAeD9HMAqo97hMfMyxozIud0S4vZCs5WB/3iavNQ==',
  },
};

/** @typedef {{ name: string, version: string, integrity: string }} NodePackage */

/**
 * @param {Readonly<Record<'x86_64' | 'arm64', NodePackage>>} own the packages of the executable
 * @param {string} platform
 * @param {string} arch as Node names it
 * @returns {(NodePackage & { architecture: string })[]} the npm packages for this machine, the
 *   oldest version first
 * @throws Error if no packages exist for this machine
 */
export function nodesFor(own, platform = process.platform, arch = process.arch) {
  const architecture = platform === 'linux' ? { x64: 'x86_64', arm64: 'arm64' }[arch] : undefined;
  if (architecture === undefined)
    throw new Error(
      `the tests on several versions of Node.js need Linux on x86_64 or arm64, and this machine is ${platform} on ${arch}`,
    );
  const { name } = own[architecture];
  const others = Object.entries(CHECKSUMS).map(([version, checksums]) => ({
    name,
    version,
    integrity: `sha512-${checksums[architecture]}`,
  }));
  return [own[architecture], ...others]
    .map((node) => ({ ...node, architecture }))
    .sort((one, other) => Number.parseInt(one.version) - Number.parseInt(other.version));
}
